/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "run": the experiment on one machine.
 *
 *    VM --- port [ br-fig7a ] geneve - - [ br-fig7a-phy ] eth0 --- eth0 of the
 *                                                                 other host
 *
 * Each host, "left" and "right", is a namespace with a switch of its own; see
 * fig7a-host.h.  A kernel without openvswitch.ko cannot be a host of
 * "kernel-tap": then each host is a User Mode Linux guest, and its VM a
 * namespace in there.  The topologies take turns, so that what else the
 * machine does strikes all of them alike. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command-line.h"
#include "dirs.h"
#include "fig7a.h"
#include "check.h"
#include "exec.h"
#include "host.h"
#include "results.h"
#include "topology.h"
#include "vhost-proxy.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "ovs-numa.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

/* A packet of a VM, with what Geneve over IPv4 adds, has to fit in 1500. */
#define VM_MTU 1450

/* Counters of our ports; see ovs-datapath-plugins(7). */
#define VM_LEFT_TO_SWITCH "rx_csum_partial"
#define VM_LEFT_TO_VM "tx_csum_partial"

enum { LEFT, RIGHT, N_HOSTS };

static const char *const names[N_HOSTS] = { "left", "right" };
static const char *const tunnel_ips[N_HOSTS] = {
    "192.168.0.1", "192.168.0.2"
};
static const char *const vm_ips[N_HOSTS] = { "10.0.0.1", "10.0.0.2" };

/* One set-up of one topology. */
struct setup {
    const struct fig7a *f;
    const struct fig7a_topology *t;
    bool in_tree;
    bool in_uml;                /* The hosts are guests. */
    char *uml_guest;            /* The program. */
    struct fig7a_host hosts[N_HOSTS];
    struct svec vm_prefix[N_HOSTS];     /* To run a program in a VM. */
    struct fig7a_exec vm[N_HOSTS];
    char *guest_dirs[N_HOSTS];  /* Of the program uml-guest, or null. */
    char *feature_mask;         /* Of vhost-user ports, or null. */
    pid_t proxies[N_HOSTS];     /* Of add_proxy(), if positive. */
};

/* What a measurement starts and ends with. */
struct snapshot {
    struct simap counters;      /* "HOST:PORT:COUNTER". */
    struct fig7a_cpu cpu;       /* Of both switches. */
    double guest_cpu;           /* In seconds. */
    long long int when;         /* In ms. */
};

/* Runs 'script' with Bash, as fig7a_run() runs a command. */
static char *
run_script(const struct fig7a_exec *exec, unsigned int timeout,
           const char *script)
{
    struct fig7a_exec how = { .timeout = timeout };
    char *output, *error = NULL;

    if (exec) {
        how.prefix = exec->prefix;
    }
    if (fig7a_execl(&how, &output, "bash", "-c", script, NULL)) {
        error = output;
        output = NULL;
    }
    free(output);
    return error;
}

/* Progress, if someone looks. */

static void OVS_PRINTF_FORMAT(1, 2)
progress(const char *format, ...)
{
    if (isatty(STDERR_FILENO)) {
        va_list args;

        va_start(args, format);
        fputs("\r\033[K", stderr);
        vfprintf(stderr, format, args);
        va_end(args);
        fflush(stderr);
    }
}

static void
clear_progress(void)
{
    progress("%s", "");
}

/* Hosts that are namespaces. */

/* Makes the device that the VM of 'host' is to have, and returns its name. */
static char *
add_vm_device(struct setup *s, int i, const char **device)
{
    const char *name = names[i];

    *device = NULL;
    if (s->t->vhostuser) {
        return NULL;            /* The switch makes a socket. */
    }
    *device = "vm0";
    if (s->f->endpoint == FIG7A_UML) {
        return fig7a_run(NULL, 10, NULL,
                         "ip -n %s tuntap add vm0 mode tap", name);
    }

    char *error = fig7a_run(NULL, 10, NULL, "ip netns add vm-%s", name);
    if (!error) {
        error = fig7a_run(NULL, 10, NULL, "ip link add vm0 netns %s type veth "
                    "peer name eth0 netns vm-%s", name, name);
    }
    return error;
}

static char *
set_up_host(struct setup *s, int i)
{
    struct fig7a_host *host = &s->hosts[i];
    char *local = xasprintf("%s/24", tunnel_ips[i]);
    struct fig7a_place place = {
        .nic = "eth0",
        .local_ip = local,
        .remote_ip = tunnel_ips[!i],
        .vm_listens = true,
        .feature_mask = s->feature_mask,
        .in_tree = s->in_tree,
        .pipeline = s->f->pipeline,
        .rules = s->f->rules,
    };
    struct fig7a_steps steps;
    char *error;

    error = add_vm_device(s, i, &place.vm);
    fig7a_steps_init(&steps, s->t, &place);
    for (size_t j = 0; j < steps.n && !error; j++) {
        const struct fig7a_exec how = {
            .prefix = &host->prefix,
            .input = steps.steps[j].input,
            .timeout = 120,
        };
        char *output;

        if (fig7a_exec(&how, &steps.steps[j].argv, &output)) {
            error = output;
            output = NULL;
        }
        free(output);
    }
    fig7a_steps_destroy(&steps);
    free(local);
    if (error) {
        return error;
    }

    /* Not all that is wrong with a port is an error of ovs-vsctl. */
    char *errors, *save = NULL;
    error = fig7a_host_vsctl(host, &errors, "--bare", "--columns=error",
                             "list", "interface", NULL);
    if (!error) {
        const char *first = strtok_r(errors, "\n", &save);

        error = first ? xstrdup(first) : NULL;
        free(errors);
    }
    return error;
}

/* Names of processes and devices depend on whether the VM is a guest. */
static void
set_vm_prefix(struct setup *s, int i)
{
    struct svec *prefix = &s->vm_prefix[i];

    svec_clear(prefix);
    if (s->guest_dirs[i]) {
        svec_add(prefix, s->uml_guest);
        svec_add(prefix, "exec");
        svec_add(prefix, s->guest_dirs[i]);
        if (s->in_uml) {
            svec_parse_words(prefix, "ip netns exec vm");
        }
    } else {
        svec_parse_words(prefix, "ip netns exec");
        svec_add_nocopy(prefix, xasprintf("vm-%s", names[i]));
    }
    s->vm[i] = (struct fig7a_exec) { .prefix = prefix };
}

/* A tap whose packets an XDP program gets cannot have those that are yet to be
 * segmented: the guests are to do that.  Their driver does not let ethtool
 * switch TSO off. */
static char *
turn_tso_off(struct setup *s)
{
    char *error = NULL;

    for (int i = 0; i < N_HOSTS && !error; i++) {
        error = fig7a_run(&s->vm[i], 20, NULL,
                          "ip link set eth0 gso_max_segs 1");
    }
    return error;
}

/* Boots the guests, with the options 'options', both at the same time. */
static char *
boot_guests(struct setup *s, char *const options[N_HOSTS])
{
    struct ds script = DS_EMPTY_INITIALIZER;
    char *error;

    for (int i = 0; i < N_HOSTS; i++) {
        s->guest_dirs[i] = xasprintf("%s/vm-%s", fig7a_sandbox_dir(),
                                     names[i]);
        ds_put_format(&script, "ip netns exec %s %s start %s %s & pid%d=$!\n",
                      names[i], s->uml_guest, options[i], s->guest_dirs[i], i);
    }
    ds_put_cstr(&script, "wait $pid0 && wait $pid1");
    error = run_script(NULL, 120, ds_cstr(&script));
    ds_destroy(&script);
    return error;
}

/* Open vSwitch's own ports have no feature mask, without which the guest would
 * stall: puts something in between that has.  Returns its socket. */
static char *
add_proxy(struct setup *s, int i)
{
    char *port = xasprintf("%s/%s", s->hosts[i].dir, FIG7A_VM);
    char *proxy = xasprintf("%s/proxy", s->hosts[i].dir);

    s->proxies[i] = fig7a_vhost_proxy_start(proxy, port,
                                            strtoull(s->feature_mask, NULL,
                                                     0));
    free(port);
    return proxy;
}

/* Returns the socket for the guest of host 'i', for the caller to free. */
static char *
vm_socket(struct setup *s, int i)
{
    return (s->in_tree ? add_proxy(s, i)
            : xasprintf("%s/%s", s->hosts[i].dir, FIG7A_VM));
}

static char *
start_vms(struct setup *s)
{
    char *options[N_HOSTS], *error = NULL;

    if (s->f->endpoint == FIG7A_UML) {
        for (int i = 0; i < N_HOSTS; i++) {
            char *socket = s->t->vhostuser ? vm_socket(s, i) : NULL;

            options[i] = xasprintf("--%s=%s --mtu=%d --address=%s/24",
                                   socket ? "socket" : "tap",
                                   socket ? socket : "vm0", VM_MTU, vm_ips[i]);
            free(socket);
        }
        error = boot_guests(s, options);
        for (int i = 0; i < N_HOSTS; i++) {
            free(options[i]);
        }
    } else {
        for (int i = 0; i < N_HOSTS && !error; i++) {
            error = fig7a_run(NULL, 10, NULL,
                              "ip -n vm-%s link set eth0 mtu %d up", names[i],
                              VM_MTU);
            if (!error) {
                error = fig7a_run(NULL, 10, NULL,
                                  "ip -n vm-%s address add %s/24 dev eth0",
                                  names[i], vm_ips[i]);
            }
        }
    }
    for (int i = 0; i < N_HOSTS; i++) {
        set_vm_prefix(s, i);
    }
    for (int i = 0; i < N_HOSTS && !error && s->in_tree && !s->t->vhostuser;
         i++) {
        /* They do not see that a VM leaves checksums to others. */
        error = fig7a_run(&s->vm[i], 10, NULL, "ethtool -K eth0 tx off");
    }
    if (!error && s->f->endpoint == FIG7A_UML && !s->t->vhostuser
        && s->t->nic_type) {
        error = turn_tso_off(s);
    }
    return error;
}

static char *
set_up_namespaces(struct setup *s)
{
    char *error = NULL;
    int n_cpus = MAX(1, count_cpu_cores());

    for (int i = 0; i < N_HOSTS && !error; i++) {
        error = fig7a_host_start(&s->hosts[i], names[i], s->t->tso,
                                 s->in_tree && s->t->vhostuser, i % n_cpus);
    }
    if (!error) {
        error = fig7a_run(NULL, 10, NULL,
                          "ip link add eth0 netns left type veth peer name "
                          "eth0 netns right");
    }
    if (!error && s->t->vhostuser) {
        error = fig7a_run(NULL, 10, &s->feature_mask, "%s feature-mask",
                          s->uml_guest);
    }
    for (int i = 0; i < N_HOSTS && !error; i++) {
        error = set_up_host(s, i);
    }
    return error ? error : start_vms(s);
}

/* Hosts that are guests, for the kernel's datapath. */

/* The two guests are joined by a bridge of the namespaces' own. */
static char *
add_wire_for_guests(void)
{
    return run_script(NULL, 20,
        "set -e\n"
        "ip link add wire type bridge forward_delay 0\n"
        "ip link set wire up\n"
        "for host in left right; do\n"
        "    ip netns add $host\n"
        "    ip -n $host link set lo up\n"
        "    ip -n $host tuntap add nic0 mode tap\n"
        "    ip -n $host link set nic0 up\n"
        "    ip link add $host type veth peer name uplink netns $host\n"
        "    ip link set $host master wire up\n"
        "    ip -n $host link add name bridge type bridge forward_delay 0\n"
        "    ip -n $host link set bridge up\n"
        "    ip -n $host link set nic0 master bridge\n"
        "    ip -n $host link set uplink master bridge up\n"
        "done\n");
}

/* The script that makes a host of the guest 'i'. */
static char *
host_script(struct setup *s, int i)
{
    struct fig7a_place place = {
        .nic = "eth0",
        .remote_ip = tunnel_ips[!i],
        .vm = "vm0",
        .pipeline = s->f->pipeline,
        .rules = s->f->rules,
    };
    struct ds script = DS_EMPTY_INITIALIZER;
    struct fig7a_steps steps;
    char *local = xasprintf("%s/24", tunnel_ips[i]);
    char *vswitchd = fig7a_find_vswitchd();

    place.local_ip = local;
    ds_put_format(&script, "export PATH=\"$PATH:%s\" OVS_PKGDATADIR='%s'\n",
                  getenv("PATH"), ovs_pkgdatadir());
    ds_put_format(&script,
        "set -e\n"
        "modprobe openvswitch\n"
        "modprobe geneve || true\n"
        "modprobe veth || true\n"
        "modprobe nf_conntrack || true\n"
        "mkdir -p /run/ovs\n"
        "export OVS_RUNDIR=/run/ovs OVS_LOGDIR=/run/ovs OVS_DBDIR=/run/ovs "
        "OVS_SYSCONFDIR=/run/ovs\n"
        "ovsdb-tool create /run/ovs/conf.db "
        "$OVS_PKGDATADIR/vswitch.ovsschema\n"
        "ovsdb-server -vconsole:off --detach --no-chdir --pidfile --log-file "
        "--remote=punix:/run/ovs/db.sock\n"
        "ovs-vsctl --no-wait init\n"
        "%s -vconsole:off --detach --no-chdir --pidfile --log-file\n"
        "ip netns add vm\n"
        "ip link add vm0 type veth peer name eth0 netns vm\n"
        "ip -n vm link set eth0 mtu %d up\n"
        "ip -n vm address add %s/24 dev eth0\n", vswitchd, VM_MTU, vm_ips[i]);
    free(vswitchd);

    fig7a_steps_init(&steps, s->t, &place);
    for (size_t j = 0; j < steps.n; j++) {
        char *command = fig7a_shell_quote(&steps.steps[j].argv);

        ds_put_cstr(&script, command);
        if (steps.steps[j].input) {
            ds_put_format(&script, " <<'END'\n%sEND", steps.steps[j].input);
        }
        ds_put_char(&script, '\n');
        free(command);
    }
    fig7a_steps_destroy(&steps);
    free(local);
    return ds_steal_cstr(&script);
}

/* Writes that script where the guest sees it: with all the rules in it, it is
 * too long for an argument. */
static char *
write_host_script(struct setup *s, int i)
{
    char *name = xasprintf("%s/host", s->guest_dirs[i]);
    char *script = host_script(s, i);
    FILE *stream = fopen(name, "w");
    char *error = NULL;

    if (!stream || fputs(script, stream) == EOF || fflush(stream)) {
        error = xasprintf("%s: %s", name, ovs_strerror(errno));
    }
    if (stream) {
        fclose(stream);
    }
    free(script);
    free(name);
    return error;
}

static char *
set_up_guests(struct setup *s)
{
    char *options[N_HOSTS] = { "--tap=nic0", "--tap=nic0" };
    char *error;

    s->in_uml = true;
    error = add_wire_for_guests();
    if (!error) {
        error = boot_guests(s, options);
    }
    for (int i = 0; i < N_HOSTS && !error; i++) {
        struct svec prefix = SVEC_EMPTY_INITIALIZER;
        const struct fig7a_exec guest = { .prefix = &prefix };

        svec_add(&prefix, s->uml_guest);
        svec_add(&prefix, "exec");
        svec_add(&prefix, s->guest_dirs[i]);
        error = write_host_script(s, i);
        if (!error) {
            error = fig7a_run(&guest, 300, NULL,
                              "bash %s/host", s->guest_dirs[i]);
        }
        svec_destroy(&prefix);
        set_vm_prefix(s, i);
    }
    return error;
}

/* Ends all of 's'. */
static void
tear_down(struct setup *s)
{
    for (int i = 0; i < N_HOSTS; i++) {
        if (s->guest_dirs[i]) {
            free(fig7a_run(NULL, 60, NULL, "%s stop %s", s->uml_guest,
                     s->guest_dirs[i]));
            free(fig7a_run(NULL, 10, NULL, "rm -rf %s", s->guest_dirs[i]));
            free(s->guest_dirs[i]);
        } else if (!s->t->vhostuser) {
            free(run_script(NULL, 10, (i == LEFT ? "ip netns del vm-left"
                                       : "ip netns del vm-right")));
        }
        if (s->in_uml) {
            free(fig7a_run(NULL, 10, NULL, "ip netns del %s", names[i]));
        }
        if (s->proxies[i] > 0) {
            kill(s->proxies[i], SIGKILL);
            waitpid(s->proxies[i], NULL, 0);
        }
        fig7a_host_stop(&s->hosts[i]);
        svec_destroy(&s->vm_prefix[i]);
    }
    if (s->in_uml) {
        free(fig7a_run(NULL, 10, NULL, "ip link del wire"));
    }
    free(s->feature_mask);
}

/* Measuring. */

/* The CPU time, in seconds, of the processes of the guest in 'dir', which are
 * those of one session; see proc(5). */
static double
get_guest_cpu(struct setup *s, int i)
{
    struct dirent *entry;
    double seconds = 0;
    char *output;
    DIR *dir;
    int sid;

    if (!s->guest_dirs[i]
        || fig7a_run(NULL, 10, &output, "%s pid %s", s->uml_guest,
                     s->guest_dirs[i])) {
        return 0;
    }
    sid = atoi(output);
    free(output);

    dir = opendir("/proc");
    while (dir && (entry = readdir(dir))) {
        unsigned long int user, sys;
        long int child_user, child_sys;
        char *file = xasprintf("/proc/%s/stat", entry->d_name);
        FILE *stream = atoi(entry->d_name) ? fopen(file, "r") : NULL;
        int session;

        free(file);
        if (stream) {
            if (fscanf(stream, "%*d (%*[^)]) %*c %*d %*d %d %*d %*d %*u %*u "
                       "%*u %*u %*u %lu %lu %ld %ld", &session, &user, &sys,
                       &child_user, &child_sys) == 5 && session == sid) {
                seconds += ((double) (user + sys + child_user + child_sys)
                            / sysconf(_SC_CLK_TCK));
            }
            fclose(stream);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return seconds;
}

static void
take_snapshot(struct setup *s, struct snapshot *shot)
{
    *shot = (struct snapshot) { .when = time_msec() };
    simap_init(&shot->counters);
    for (int i = 0; i < N_HOSTS; i++) {
        shot->guest_cpu += get_guest_cpu(s, i);
        if (!s->in_uml) {
            struct simap counters = SIMAP_INITIALIZER(&counters);
            const struct simap_node *node;
            struct fig7a_cpu cpu;

            fig7a_host_get_cpu(&s->hosts[i], &cpu);
            shot->cpu.pmd += cpu.pmd;
            shot->cpu.all += cpu.all;
            fig7a_host_get_counters(&s->hosts[i], &counters);
            SIMAP_FOR_EACH (node, &counters) {
                char *name = xasprintf("%s:%s", names[i], node->name);

                simap_put(&shot->counters, name, node->data);
                free(name);
            }
            simap_destroy(&counters);
        }
    }
}

/* How much the counter 'node' of 'after' has grown since 'before'. */
static unsigned int
growth(const struct snapshot *before, const struct simap_node *node)
{
    return node->data - simap_get(&before->counters, node->name);
}

/* The sum of the counters of the port 'port' that are called 'name'. */
static unsigned int
sum_growth(const struct snapshot *before, const struct snapshot *after,
           const char *port, const char *name)
{
    char *suffix = xasprintf(":%s:%s", port, name);
    const struct simap_node *node;
    unsigned int sum = 0;

    SIMAP_FOR_EACH (node, &after->counters) {
        size_t length = strlen(node->name), n = strlen(suffix);

        if (length > n && !strcmp(node->name + length - n, suffix)) {
            sum += growth(before, node);
        }
    }
    free(suffix);
    return sum;
}

static bool
is_drop(const char *name)
{
    return strstr(name, "drop") || strstr(name, "_errs");
}

/* Who completed the checksums of what the VM on the left has sent. */
static char *
describe_checksums(const struct setup *s, const struct snapshot *before,
                   const struct snapshot *after)
{
    const char *port = s->t->vhostuser ? FIG7A_VM : "vm0";
    unsigned int left, given;

    if (s->in_uml) {
        return xstrdup("guest kernel");
    } else if (!s->t->nic_type) {
        return xstrdup("kernel");
    } else if (s->in_tree) {
        return xstrdup("not counted");
    }
    left = sum_growth(before, after, port, VM_LEFT_TO_SWITCH);
    given = sum_growth(before, after, port, VM_LEFT_TO_VM);
    return xstrdup(given ? "receiver" : left ? "switch" : "sender");
}

/* Returns the member of 'object' that is called 'name', or null. */
static const struct json *
json_member(const struct json *object, const char *name)
{
    return (object && object->type == JSON_OBJECT
            ? shash_find_data(json_object(object), name) : NULL);
}

static double
json_number(const struct json *json)
{
    return (!json ? NAN : json->type == JSON_REAL ? json->real
            : json->type == JSON_INTEGER ? json->integer : NAN);
}

/* Adds what iperf3 has printed in 'text' to 'row'. */
static char *
parse_iperf(const char *text, struct fig7a_row *row)
{
    struct json *json = json_from_string(text);
    const struct json *end = json_member(json, "end");
    double bps = json_number(json_member(json_member(end, "sum_received"),
                                         "bits_per_second"));
    double again = json_number(json_member(json_member(end, "sum_sent"),
                                           "retransmits"));
    char *error = NULL;

    if (isnan(bps) || bps <= 0) {
        const struct json *why = json_member(json, "error");

        error = xasprintf("iperf3: %s", (why && why->type == JSON_STRING
                                         ? json_string(why)
                                         : "it has not measured anything"));
    } else {
        row->gbps = xrealloc(row->gbps, (row->n_gbps + 1) * sizeof *row->gbps);
        row->gbps[row->n_gbps++] = bps / 1e9;
        row->retransmits += isnan(again) ? 0 : again;
    }
    json_destroy(json);
    return error;
}

/* Starts iperf3 in the VM on the right, once the two see each other. */
static char *
start_server(struct setup *s)
{
    char *script, *error;

    /* The first packets are lost while the switches look for each other. */
    script = xasprintf("for i in {1..30}; do "
                       "ping -q -c 1 -W 1 %s >/dev/null && exit; "
                       "sleep 0.1; done; exit 1", vm_ips[RIGHT]);
    error = run_script(&s->vm[LEFT], 90, script);
    free(script);
    if (error) {
        free(error);
        return xstrdup("the VMs do not reach each other");
    }
    error = run_script(&s->vm[RIGHT], 30,
                       "iperf3 -s -D && for i in {1..100}; do "
                       "ss -Hltn | grep -q ':5201 ' && exit; sleep 0.1; "
                       "done; exit 1");
    if (error) {
        free(error);
        return xstrdup("iperf3 does not start in the VM on the right");
    }
    return NULL;
}

/* Measures 's' and adds that to 'row'. */
static char *
measure(struct setup *s, struct fig7a_row *row)
{
    struct snapshot before, after;
    const struct simap_node *node;
    char *output, *error;
    double seconds, n = row->n_gbps;

    error = start_server(s);
    if (error) {
        return error;
    }
    take_snapshot(s, &before);
    error = fig7a_run(&s->vm[LEFT], s->f->duration + 30, &output,
                "iperf3 -c %s -t %u -J -w %s --connect-timeout 5000",
                vm_ips[RIGHT], s->f->duration, s->f->window);
    take_snapshot(s, &after);
    if (!error) {
        error = parse_iperf(output, row);
        free(output);
    }
    if (!error) {
        seconds = (after.when - before.when) / 1000.0;

        /* Means over all measurements so far. */
        row->pmd_cpu = (row->pmd_cpu * n + 100 / seconds
                        * (after.cpu.pmd - before.cpu.pmd)) / (n + 1);
        row->switch_cpu = (row->switch_cpu * n + 100 / seconds
                           * (after.cpu.all - before.cpu.all)) / (n + 1);
        row->guest_cpu = (row->guest_cpu * n + 100 / seconds
                          * (after.guest_cpu - before.guest_cpu)) / (n + 1);
        SIMAP_FOR_EACH (node, &after.counters) {
            if (is_drop(node->name) && growth(&before, node)) {
                simap_increase(&row->drops, node->name,
                               growth(&before, node));
            }
        }
        free(row->checksums);
        row->checksums = describe_checksums(s, &before, &after);
    }
    simap_destroy(&before.counters);
    simap_destroy(&after.counters);
    return error;
}

static void
add_note(struct fig7a_row *row, const char *note)
{
    if (!svec_contains_unsorted(&row->notes, note)) {
        svec_add(&row->notes, note);
    }
}

/* True if the kernel has a datapath of Open vSwitch. */
static bool
has_kernel_datapath(void)
{
    char *error;

    if (!access("/sys/module/openvswitch", F_OK)) {
        return true;
    }
    error = fig7a_run(NULL, 20, NULL, "modprobe openvswitch");
    free(error);
    return !error;
}

/* Measures 'row' once more. */
static char *
run_row(const struct fig7a *f, const char *uml_guest, struct fig7a_row *row)
{
    struct setup s = {
        .f = f,
        .t = row->topology,
        .in_tree = row->in_tree,
        .uml_guest = CONST_CAST(char *, uml_guest),
    };
    char *error, *log = NULL;

    if (s.t->vhostuser && f->endpoint == FIG7A_VETH) {
        return xstrdup("a namespace has no vhost-user device; it takes "
                       "--endpoint=uml");
    }
    if (s.in_tree && !s.t->vhostuser && f->endpoint == FIG7A_UML) {
        return xstrdup("the VM leaves checksums to others, and its driver "
                       "cannot be told not to, but in-tree ports do not see "
                       "that; it takes --endpoint=veth");
    }
    for (int i = 0; i < N_HOSTS; i++) {
        svec_init(&s.vm_prefix[i]);
    }
    if (!s.t->nic_type && !has_kernel_datapath()) {
        error = set_up_guests(&s);
    } else {
        error = set_up_namespaces(&s);
    }
    if (!error) {
        error = measure(&s, row);
    }
    if (s.in_uml) {
        add_note(row, "no openvswitch.ko here: each host is a User Mode Linux "
                 "guest, its VM a namespace in there");
    } else {
        if (error && !fig7a_interrupted()) {
            for (int i = 0; i < N_HOSTS; i++) {
                log = s.hosts[i].dir ? fig7a_host_get_log(&s.hosts[i]) : NULL;
                if (log && log[0]) {
                    clear_progress();
                    fprintf(stderr, "The last problems of the switch on the "
                            "%s:\n%s\n", names[i], log);
                }
                free(log);
            }
        }
        if (s.in_tree && !s.t->vhostuser) {
            add_note(row, "for in-tree ports, the VMs have their checksum "
                     "offload switched off");
        }
        if (s.in_tree && s.t->vhostuser) {
            add_note(row, "in-tree vhost-user ports have no csum-offload "
                     "option: all their rows are alike, but for TSO");
        }
        if (f->endpoint == FIG7A_UML) {
            add_note(row, "the VMs are User Mode Linux instead of KVM");
        } else {
            add_note(row, "the VMs are namespaces on veth devices");
        }
    }
    tear_down(&s);
    return error;
}

static void
describe_machine(struct fig7a_results *results, const struct fig7a *f)
{
    struct utsname uts;
    time_t now = time(NULL);
    char date[32];

    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    uname(&uts);
    free(results->date);
    free(results->kernel);
    free(results->ovs_version);
    free(results->endpoint);
    free(results->pipeline);
    results->date = xstrdup(date);
    results->kernel = xstrdup(uts.release);
    results->ovs_version = xstrdup(OVS_PACKAGE_VERSION);
    results->endpoint = xstrdup(f->endpoint == FIG7A_UML ? "uml" : "veth");
    results->pipeline = xstrdup(f->pipeline == FIG7A_NSX ? "nsx" : "forward");
    results->n_cpus = MAX(1, count_cpu_cores());
    results->duration = f->duration;
}

/* Adds the rows that the arguments of 'ctx' ask for. */
static void
add_rows(struct fig7a_results *results, const struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    bool all = ctx->argc < 2;

    for (int i = 1; i < ctx->argc; i++) {
        if (!strcmp(ctx->argv[i], "all")) {
            all = true;
        } else {
            fig7a_find_topology(ctx->argv[i]);
        }
    }
    for (size_t j = 0; j < fig7a_n_topologies; j++) {
        const struct fig7a_topology *t = &fig7a_topologies[j];
        bool wanted = all;

        for (int i = 1; i < ctx->argc; i++) {
            wanted |= !strcmp(ctx->argv[i], t->id);
        }
        if (wanted) {
            fig7a_results_add(results, t);
            if (f->in_tree && t->in_tree_type) {
                fig7a_results_add(results, t)->in_tree = true;
            }
        }
    }
}

/* Opens the file 'name' for write_results(), while its name means the same to
 * us as to the user.  What is in there stays until then.  Ends the process if
 * it cannot be written. */
static FILE *
open_results(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    FILE *stream = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!stream) {
        ovs_fatal(errno, "%s: cannot write", name);
    }
    return stream;
}

/* Replaces what is in 'stream' by 'results' as JSON, and closes it.  Returns 0
 * or a positive errno value. */
static int
write_results(const struct fig7a_results *results, FILE *stream)
{
    struct json *json = fig7a_results_to_json(results);
    char *text = json_to_string(json, JSSF_PRETTY | JSSF_SORT);
    int error = 0;

    /* EINVAL: it is no regular file. */
    if ((ftruncate(fileno(stream), 0) && errno != EINVAL)
        || fprintf(stream, "%s\n", text) < 0) {
        error = errno;
    }
    if (fclose(stream) && !error) {
        error = errno;
    }
    free(text);
    json_destroy(json);
    return error;
}

/* "run [TOPOLOGY...|all]". */
void
fig7a_cmd_run(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    struct fig7a_results results;
    bool good = true;
    char *problem, *uml_guest;
    FILE *output = NULL;
    int error = 0;

    fig7a_results_init(&results);
    add_rows(&results, ctx);
    problem = fig7a_check_run(f);
    if (problem) {
        ovs_fatal(0, "%s", problem);
    }
    uml_guest = fig7a_find_program("uml-guest");
    if (!uml_guest) {
        ovs_fatal(0, "uml-guest, which is part of this program, is not where "
                  "it should be; install ovs-datapath-plugins again");
    }
    describe_machine(&results, f);
    if (f->dry_run) {
        printf("%"PRIuSIZE" topologies, %u times %u seconds each\n",
               results.n_rows, f->repeat, f->duration);
        return;
    }

    if (f->output) {
        /* The sandbox has a /run of its own, and what has taken minutes should
         * not be lost for a file that cannot be written. */
        output = open_results(f->output);
    }
    fig7a_enter_sandbox();
    fig7a_interrupted();
    for (unsigned int i = 0; i < f->repeat; i++) {
        for (size_t j = 0; j < results.n_rows && !fig7a_interrupted(); j++) {
            struct fig7a_row *row = &results.rows[j];

            progress("%u/%"PRIuSIZE": %s%s", i + 1, results.n_rows,
                     row->topology->id, row->in_tree ? " (in-tree)" : "");
            if (!row->error) {
                row->error = run_row(f, uml_guest, row);
                good &= !row->error || row->in_tree;
            }
        }
    }
    clear_progress();
    if (fig7a_interrupted()) {
        ovs_fatal(0, "interrupted; all is as it was");
    }

    if (output) {
        error = write_results(&results, output);
    }
    if (f->json) {
        struct json *json = fig7a_results_to_json(&results);
        char *text = json_to_string(json, JSSF_PRETTY | JSSF_SORT);

        puts(text);
        free(text);
        json_destroy(json);
    } else {
        fig7a_results_print(&results, stdout);
    }
    fig7a_results_destroy(&results);
    free(uml_guest);
    if (error) {
        fflush(stdout);
        ovs_fatal(error, "%s: cannot write", f->output);
    }
    if (!good) {
        exit(EXIT_FAILURE);
    }
}
