/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Hosts in network namespaces, with a switch each. */

#include "host.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "dirs.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

/* Folder of the sandbox, on a file system of its own. */
#define SANDBOX_DIR "/run/ovs-fig7a"

/* Longer than anything that works ever takes, in seconds. */
#define TIMEOUT 60

/* For how long a thread that polls sleeps at most when it finds nothing, in
 * microseconds: on a machine with few CPUs, and while guests boot.  The latter
 * is the most that Open vSwitch takes. */
#define AWAKE_US 50
#define BOOT_US 10000

static pid_t child;

static void
forward_signal(int signr)
{
    kill(child, signr);
}

/* Waits for 'child', passing signals on to it, and ends the process as it
 * did.  If 'reap', waits for all other children meanwhile. */
OVS_NO_RETURN static void
follow_child(bool reap)
{
    struct sigaction sa = { .sa_handler = forward_signal };
    int status;

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    for (;;) {
        pid_t pid = waitpid(reap ? -1 : child, &status, 0);

        if (pid == child) {
            break;
        } else if (pid < 0 && errno != EINTR) {
            ovs_fatal(errno, "waitpid");
        }
    }
    fflush(stdout);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Goes on in a child process; the parent ends as it does.  The child does not
 * outlive the parent. */
static void
go_on_in_child(bool reap)
{
    pid_t parent = getpid();

    fflush(NULL);
    child = fork();
    if (child < 0) {
        ovs_fatal(errno, "fork");
    } else if (child) {
        follow_child(reap);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent && getppid() != 0) {
        _exit(EXIT_FAILURE);
    }
}

static void
must_mount(const char *type, const char *target, unsigned long flags)
{
    if (mount(type ? type : "none", target, type, flags, NULL)) {
        ovs_fatal(errno, "cannot mount %s", target);
    }
}

/* From here on, the process has a network, processes and a /run of its own,
 * which are gone when it ends, however it ends.  Ends the process if that
 * cannot be.  To be called once, while there is one thread. */
void
fig7a_enter_sandbox(void)
{
    if (geteuid()) {
        ovs_fatal(0, "only root can make network namespaces; use sudo");
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)) {
        ovs_fatal(errno, "cannot make namespaces");
    }
    go_on_in_child(false);

    /* This is process 1 of the sandbox.  It buries all that die there, without
     * which nobody would see them go, and the work is done by its child. */
    must_mount(NULL, "/", MS_REC | MS_PRIVATE);
    must_mount("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    must_mount("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    must_mount("tmpfs", "/run", MS_NOSUID | MS_NODEV);
    if (mkdir(SANDBOX_DIR, 0755) || mkdir("/run/netns", 0755)
        || mkdir("/run/lock", 0755)) {
        ovs_fatal(errno, "cannot make folders in /run");
    }
    if (fig7a_execl(NULL, NULL, "ip", "link", "set", "lo", "up", NULL)) {
        ovs_fatal(0, "cannot use ip, of the package iproute2");
    }
    go_on_in_child(true);
}

/* The folder in the sandbox for all files. */
const char *
fig7a_sandbox_dir(void)
{
    return SANDBOX_DIR;
}

/* Returns the daemon, for the caller to free: that of $OVS_VSWITCHD, of our
 * build, or of the system. */
char *
fig7a_find_vswitchd(void)
{
    const char *env = getenv("OVS_VSWITCHD");
    char *program;

    if (env && env[0]) {
        return xstrdup(env);
    }
    program = fig7a_find_program("../../datapath-plugins/ovs-vswitchd");
    return program ? program : xstrdup("ovs-vswitchd");
}

/* Starts the switch of 'host', all whose programs and settings are there. */
static char *
start_switch(struct fig7a_host *host, bool tso, bool dpdk, unsigned int cpu)
{
    static const char daemon[] = "-vconsole:off --detach --no-chdir --pidfile "
                                 "--log-file";
    char *vswitchd, *types, *error;
    bool ours;

    error = fig7a_run(&host->exec, TIMEOUT, NULL,
                      "ovsdb-tool create %s/conf.db %s/vswitch.ovsschema",
                      host->dir, ovs_pkgdatadir());
    if (!error) {
        error = fig7a_run(&host->exec, TIMEOUT, NULL, "ovsdb-server %s "
                          "--remote=punix:%s/db.sock", daemon, host->dir);
    }
    if (!error) {
        char *mask = fig7a_cpu_mask(cpu);

        error = fig7a_run(&host->exec, TIMEOUT, NULL,
                          "ovs-vsctl --no-wait init -- set Open_vSwitch . "
                          "other_config:pmd-cpu-mask=%s "
                          "other_config:pmd-sleep-max=%d "
                          "other_config:userspace-tso-enable=%s", mask,
                          BOOT_US, tso ? "true" : "false");
        free(mask);
    }
    if (!error && dpdk) {
        error = fig7a_run(&host->exec, TIMEOUT, NULL, "ovs-vsctl --no-wait "
                          "set Open_vSwitch . other_config:dpdk-init=true "
                          "other_config:dpdk-extra='--no-huge --no-pci "
                          "--legacy-mem -m 1024 --no-telemetry "
                          "--file-prefix=%s'", host->name);
    }
    if (!error) {
        vswitchd = fig7a_find_vswitchd();
        error = fig7a_run(&host->exec, TIMEOUT, NULL,
                          "%s %s", vswitchd, daemon);
        free(vswitchd);
    }
    if (error) {
        return error;
    }

    error = fig7a_host_vsctl(host, &types, "get", "Open_vSwitch", ".",
                             "iface_types", NULL);
    if (error) {
        return error;
    }
    ours = strstr(types, "afxdp-polling") != NULL;
    free(types);
    return (ours ? NULL
            : xstrdup("this ovs-vswitchd has no interface type afxdp-polling; "
                      "install or build ovs-datapath-plugins, or name its "
                      "daemon in the environment variable OVS_VSWITCHD"));
}

/* Starts the host 'name' in the sandbox: a namespace of that name, with a
 * switch whose thread that polls runs on 'cpu'.  With 'tso', the switch does
 * segmentation offload; with 'dpdk', it can have DPDK's ports.  Until
 * fig7a_host_wake(), that thread mostly sleeps, so that it does not take the
 * CPU from a guest that boots.  Returns null, or what went wrong, for the
 * caller to free; 'host' is to be stopped in any case. */
char *
fig7a_host_start(struct fig7a_host *host, const char *name, bool tso,
                 bool dpdk, unsigned int cpu)
{
    char *error;

    *host = (struct fig7a_host) {
        .name = xstrdup(name),
        .dir = xasprintf("%s/%s", SANDBOX_DIR, name),
        .prefix = SVEC_EMPTY_INITIALIZER,
    };
    svec_parse_words(&host->prefix, "ip netns exec");
    svec_add(&host->prefix, name);
    svec_add(&host->prefix, "env");
    svec_add_nocopy(&host->prefix, xasprintf("OVS_RUNDIR=%s", host->dir));
    svec_add_nocopy(&host->prefix, xasprintf("OVS_LOGDIR=%s", host->dir));
    svec_add_nocopy(&host->prefix, xasprintf("OVS_DBDIR=%s", host->dir));
    svec_add_nocopy(&host->prefix, xasprintf("OVS_SYSCONFDIR=%s", host->dir));
    host->exec = (struct fig7a_exec) { .prefix = &host->prefix };

    if (mkdir(host->dir, 0755)) {
        return xasprintf("%s: %s", host->dir, ovs_strerror(errno));
    }
    error = fig7a_run(NULL, TIMEOUT, NULL, "ip netns add %s", name);
    if (!error) {
        error = fig7a_run(&host->exec, TIMEOUT, NULL, "ip link set lo up");
    }
    return error ? error : start_switch(host, tso, dpdk, cpu);
}

static pid_t
daemon_pid(const struct fig7a_host *host, const char *daemon)
{
    char *file = xasprintf("%s/%s.pid", host->dir, daemon);
    FILE *stream = fopen(file, "r");
    int pid = 0;

    free(file);
    if (stream) {
        if (fscanf(stream, "%d", &pid) != 1) {
            pid = 0;
        }
        fclose(stream);
    }
    return pid;
}

/* Lets the switch of 'host' poll, as far as this machine can afford it: if
 * there are few CPUs, the guests need those as well.  Returns null, or what
 * went wrong, for the caller to free. */
char *
fig7a_host_wake(const struct fig7a_host *host)
{
    char *setting = xasprintf("other_config:pmd-sleep-max=%u",
                              count_cpu_cores() < 8 ? AWAKE_US : 0);
    pid_t pid = daemon_pid(host, "ovs-vswitchd");
    char *error;

    if (pid) {
        kill(pid, SIGCONT);
    }
    error = fig7a_host_vsctl(host, NULL, "set", "Open_vSwitch", ".", setting,
                             NULL);
    free(setting);
    return error;
}

/* Stops the switch of 'host' until fig7a_host_wake() or fig7a_host_stop().  It
 * does not answer, and does not take any time from others. */
void
fig7a_host_rest(const struct fig7a_host *host)
{
    pid_t pid = daemon_pid(host, "ovs-vswitchd");

    if (pid) {
        kill(pid, SIGSTOP);
    }
}

static void
stop_daemon(const struct fig7a_host *host, const char *daemon)
{
    long long int deadline = time_msec() + 10000;
    pid_t pid = daemon_pid(host, daemon);
    char *error;

    if (!pid) {
        return;
    }
    kill(pid, SIGCONT);                 /* It may be at rest. */
    error = fig7a_run(&host->exec, TIMEOUT, NULL,
                      "ovs-appctl -T 10 -t %s exit", daemon);
    if (error) {
        kill(pid, SIGKILL);
        free(error);
    }
    while (!kill(pid, 0)) {
        if (time_msec() > deadline) {
            kill(pid, SIGKILL);
        }
        usleep(20000);
    }
}

/* Stops the switch of 'host', and removes all of it. */
void
fig7a_host_stop(struct fig7a_host *host)
{
    if (!host->name) {
        return;
    }
    stop_daemon(host, "ovs-vswitchd");
    stop_daemon(host, "ovsdb-server");
    free(fig7a_run(NULL, TIMEOUT, NULL, "ip netns del %s", host->name));
    free(fig7a_run(NULL, TIMEOUT, NULL, "rm -rf %s", host->dir));
    free(host->name);
    free(host->dir);
    svec_destroy(&host->prefix);
    memset(host, 0, sizeof *host);
}

/* Runs ovs-vsctl with the arguments from 'arg' up to a null pointer.  Stores
 * what it prints in '*outputp', for the caller to free, if that is not null.
 * Returns null, or what went wrong, for the caller to free. */
char *
fig7a_host_vsctl(const struct fig7a_host *host, char **outputp,
                 const char *arg, ...)
{
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    char *output, *error = NULL;
    va_list args;

    svec_parse_words(&argv, "ovs-vsctl --timeout=20");
    va_start(args, arg);
    for (; arg; arg = va_arg(args, const char *)) {
        svec_add(&argv, arg);
    }
    va_end(args);

    if (fig7a_exec(&host->exec, &argv, &output)) {
        error = output;
        output = NULL;
    }
    svec_destroy(&argv);
    if (outputp) {
        *outputp = output;
    } else {
        free(output);
    }
    return error;
}

/* Returns the CPU time of the thread whose "stat" is in 'dir', in seconds, and
 * stores whether it polls in '*polls'.  See proc(5). */
static double
thread_cpu(const char *dir, bool *polls)
{
    unsigned long int user, sys;
    char *file = xasprintf("%s/stat", dir);
    FILE *stream = fopen(file, "r");
    double seconds = 0;
    char name[64];

    free(file);
    if (stream) {
        if (fscanf(stream, "%*d (%63[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
                   "%*u %*u %lu %lu", name, &user, &sys) == 3) {
            seconds = (double) (user + sys) / sysconf(_SC_CLK_TCK);
            *polls = !strncmp(name, "pmd", 3);
        }
        fclose(stream);
    }
    return seconds;
}

/* Stores in '*cpu' what the switch of 'host' has used since it started. */
void
fig7a_host_get_cpu(const struct fig7a_host *host, struct fig7a_cpu *cpu)
{
    char *tasks = xasprintf("/proc/%d/task",
                            (int) daemon_pid(host, "ovs-vswitchd"));
    DIR *dir = opendir(tasks);
    struct dirent *entry;

    *cpu = (struct fig7a_cpu) { .pmd = 0 };
    while (dir && (entry = readdir(dir))) {
        if (isdigit((unsigned char) entry->d_name[0])) {
            char *task = xasprintf("%s/%s", tasks, entry->d_name);
            bool polls = false;
            double seconds = thread_cpu(task, &polls);

            cpu->all += seconds;
            cpu->pmd += polls ? seconds : 0;
            free(task);
        }
    }
    if (dir) {
        closedir(dir);
    }
    free(tasks);
}

/* Adds "PORT:COUNTER" to 'counters' from what "ovs-ofctl dump-ports" prints in
 * 'text': a port's own counters under their names, or, if it has none, those
 * that OpenFlow has, as "rx_drop". */
static void
parse_port_counters(char *text, struct simap *counters)
{
    char *save_line = NULL, port[64] = "", direction[8] = "";
    struct simap generic = SIMAP_INITIALIZER(&generic);
    bool custom = true;

    for (char *line = strtok_r(text, "\n", &save_line); ;
         line = strtok_r(NULL, "\n", &save_line)) {
        bool starts = line && !strncmp(line, "  port ", 7);
        char *save = NULL;
        int n = 0;

        /* The end of a port. */
        if (!line || starts) {
            const struct simap_node *node;

            SIMAP_FOR_EACH (node, &generic) {
                if (!custom) {
                    simap_put(counters, node->name, node->data);
                }
            }
            simap_clear(&generic);
            custom = false;
        }
        if (!line) {
            break;
        }
        if (starts) {
            sscanf(line + 7, " \"%63[^\"]\":%n", port, &n);
            if (!n) {
                sscanf(line + 7, " %63[^:]:%n", port, &n);
            }
            line += n ? 7 + n : strlen(line);
        }
        if (strstr(line, "CUSTOM Statistics")) {
            custom = true;
            continue;
        }

        for (char *word = strtok_r(line, " ,", &save); word;
             word = strtok_r(NULL, " ,", &save)) {
            char *equals = strchr(word, '=');
            unsigned long long int value;
            char *end;

            if (!equals) {
                ovs_strlcpy(direction, word, sizeof direction);
                continue;
            }
            *equals = '\0';
            value = strtoull(equals + 1, &end, 10);
            if (end != equals + 1 && !*end && strcmp(word, "bytes")) {
                char *name = (custom ? xasprintf("%s:%s", port, word)
                              : xasprintf("%s:%s_%s", port, direction, word));

                simap_put(custom ? counters : &generic, name,
                          MIN(value, UINT_MAX));
                free(name);
            }
        }
    }
    simap_destroy(&generic);
}

/* Adds to 'counters' those of the switch that count what it drops. */
static void
parse_coverage(char *text, struct simap *counters)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char name[64];
        unsigned int value;

        if (sscanf(line, "%63s %*s %*s %*s total: %u", name, &value) == 2
            && strstr(name, "drop")) {
            char *full = xasprintf("switch:%s", name);

            simap_put(counters, full, value);
            free(full);
        }
    }
}

/* Stores the counters of all ports of 'host' in 'counters', as they are now,
 * and of the switch itself, in "switch:...", those of drops. */
void
fig7a_host_get_counters(const struct fig7a_host *host, struct simap *counters)
{
    char *bridges, *output, *save = NULL;

    if (fig7a_host_vsctl(host, &bridges, "list-br", NULL)) {
        return;
    }
    for (char *bridge = strtok_r(bridges, "\n", &save); bridge;
         bridge = strtok_r(NULL, "\n", &save)) {
        /* The statistics in the database may be five seconds old. */
        if (!fig7a_execl(&host->exec, &output, "ovs-ofctl", "-O", "OpenFlow14",
                         "--names", "dump-ports", bridge, NULL)) {
            parse_port_counters(output, counters);
        }
        free(output);
    }
    free(bridges);

    if (!fig7a_execl(&host->exec, &output, "ovs-appctl", "coverage/show",
                     NULL)) {
        parse_coverage(output, counters);
    }
    free(output);
}

/* Returns the last problems in the log of the switch of 'host', in lines, for
 * the caller to free. */
char *
fig7a_host_get_log(const struct fig7a_host *host)
{
    char *script = xasprintf("grep -shE '[|](WARN|ERR|EMER)[|]' "
                             "%s/ovs-vswitchd.log | tail -n 5", host->dir);
    char *output;

    fig7a_execl(NULL, &output, "sh", "-c", script, NULL);
    free(script);
    return output;
}
