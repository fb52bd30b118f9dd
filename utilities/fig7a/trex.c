/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "ovs-fig7a trex": writes the configuration of the traffic generator TRex for
 * two ports of this machine, runs it, and reports what it says. */

#include "trex.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command-line.h"
#include "exec.h"
#include "openvswitch/dynamic-string.h"
#include "output.h"
#include "process.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

#define DEFAULT_FILE "/etc/trex_cfg.yaml"
#define PROFILE "cap2/imix_64.yaml"

/* TRex, when asked to stop, needs a bit to do so, in ms. */
#define STOP_TIMEOUT 20000

/* Lines of its output that are shown if it fails. */
#define TAIL_LINES 5

/* Removes from 'line' what moves a terminal's cursor, and spaces at its
 * end. */
static void
clean_line(char *line)
{
    char *out = line;

    for (const char *in = line; *in; ) {
        if (in[0] == '\033' && in[1] == '[') {
            in += 2;
            in += strspn(in, "0123456789;?");
            in += *in != '\0';
        } else if (*in == '\r') {
            in++;
        } else {
            *out++ = *in++;
        }
    }
    while (out > line && isspace((unsigned char) out[-1])) {
        out--;
    }
    *out = '\0';
}

/* On a terminal, says what TRex says. */
static void
show_progress(const struct trex_results *r)
{
    if (isatty(STDERR_FILENO)) {
        const struct trex_snapshot *s = &r->last;

        fig7a_progress("TRex: %.0f s, %"PRIu64" packets sent, %"PRIu64
                       " received", s->when,
                       s->tx_packets[0] + s->tx_packets[1],
                       s->rx_packets[0] + s->rx_packets[1]);
    }
}

/* Starts 'argv' in the folder 'dir'.  Stores where its output can be read in
 * '*fdp'.  It leads a process group, which is to be told when it shall end. */
static pid_t
start_trex(const char *dir, struct svec *argv, int *fdp)
{
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;

    svec_terminate(argv);
    if (pipe2(fds, O_CLOEXEC)) {
        ovs_fatal(errno, "pipe");
    }
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        ovs_fatal(errno, "fork");
    } else if (!pid) {
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == parent && !chdir(dir) && dup2(null, 0) == 0
            && dup2(fds[1], 1) == 1 && dup2(fds[1], 2) == 2) {
            execv(argv->names[0], argv->names);
        }
        dprintf(fds[1], "%s/%s: %s\n", dir, argv->names[0],
                ovs_strerror(errno));
        _exit(127);
    }
    setpgid(pid, pid);
    close(fds[1]);
    *fdp = fds[0];
    return pid;
}

/* Reads TRex's output from 'fd' to 'r' until it ends, and stores the last
 * lines in 'tail', oldest first.  When we are to end, so is the process group
 * 'pgid'. */
static void
follow_trex(int fd, pid_t pgid, struct trex_results *r, struct svec *tail)
{
    long long int deadline = LLONG_MAX;
    struct ds line = DS_EMPTY_INITIALIZER;
    bool stopping = false;

    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        char buf[4096];
        ssize_t n = -1;

        /* A signal could come just before poll(), so look again soon. */
        if (poll(&pfd, 1, 500) > 0) {
            n = read(fd, buf, sizeof buf);
            if (!n || (n < 0 && errno != EINTR)) {
                break;
            }
        }
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != '\n') {
                ds_put_char(&line, buf[i]);
                continue;
            }

            char *s = ds_cstr(&line);
            size_t n_before = r->n;

            clean_line(s);
            trex_parse_line(s, r);
            if (s[0]) {
                svec_add(tail, s);
                if (tail->n > TAIL_LINES) {
                    free(tail->names[0]);
                    memmove(tail->names, tail->names + 1,
                            --tail->n * sizeof *tail->names);
                }
            }
            if (r->n != n_before) {
                show_progress(r);
            }
            ds_clear(&line);
        }

        if (fig7a_interrupted() && !stopping) {
            kill(-pgid, SIGINT);
            stopping = true;
            deadline = time_msec() + STOP_TIMEOUT;
        } else if (time_msec() >= deadline) {
            kill(-pgid, SIGKILL);
            deadline = LLONG_MAX;
        }
    }
    ds_destroy(&line);
}

/* Returns 0 if 'dir' has a 'file' with the access 'mode', otherwise an errno
 * value. */
static int
check_access(const char *dir, const char *file, int mode)
{
    char *path = xasprintf("%s/%s", dir, file);
    int error = access(path, mode) ? errno : 0;

    free(path);
    return error;
}

/* Ends the process if 'dir' does not have TRex in it. */
static void
check_trex(const char *dir)
{
    int error = check_access(dir, "t-rex-64", X_OK);

    if (error) {
        ovs_fatal(error, "%s/t-rex-64: TRex is not there; give --run the "
                  "folder where it was unpacked", dir);
    }
    error = check_access(dir, PROFILE, R_OK);
    if (error) {
        ovs_fatal(error, "%s/%s: TRex's profile is not there", dir, PROFILE);
    }
}

/* The command line of TRex with the configuration 'file'.  It finds the
 * default by itself. */
static void
make_command(const struct fig7a *f, const char *file, struct svec *argv)
{
    svec_add(argv, "./t-rex-64");
    svec_add(argv, "-f");
    svec_add(argv, PROFILE);
    svec_add(argv, "-c");
    svec_add(argv, "1");
    svec_add(argv, "-m");
    svec_add_nocopy(argv, xasprintf("%.10g", f->multiplier));
    svec_add(argv, "-d");
    svec_add_nocopy(argv, xasprintf("%u", f->trex_duration));
    if (f->probes) {
        svec_add(argv, "-l");
        svec_add_nocopy(argv, xasprintf("%u", f->probes));
    }
    if (strcmp(file, DEFAULT_FILE)) {
        svec_add(argv, "--cfg");
        svec_add(argv, file);
    }
}

/* Runs TRex, and reports. */
static void
run_trex(const struct fig7a_topology *t, const struct fig7a *f,
         struct svec *argv)
{
    struct svec tail = SVEC_EMPTY_INITIALIZER;
    struct trex_results r = { .n = 0 };
    int status, fd;
    pid_t pid;

    fig7a_interrupted();
    pid = start_trex(f->run_dir, argv, &fd);
    follow_trex(fd, pid, &r, &tail);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    close(fd);
    fig7a_end_progress();

    /* When it is stopped, it ends with an error and without a summary. */
    if (!r.complete && !(fig7a_interrupted() && r.n)) {
        char *how = process_status_msg(status);
        char *said = svec_join(&tail, "\n  ", "");

        ovs_fatal(0, "TRex gave no results (%s); it said:\n  %s", how,
                  said[0] ? said : "nothing");
    }
    svec_destroy(&tail);
    if (f->json) {
        trex_print_json(t, f, &r);
    } else {
        trex_print(t, f, &r);
    }
    if (!r.complete) {
        exit(EXIT_FAILURE);
    }
}

void
fig7a_cmd_trex(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    const struct fig7a_topology *t = fig7a_find_topology(ctx->argv[1]);
    const char *file = f->output ? f->output : DEFAULT_FILE;
    bool by_ip = !strcmp(f->port_info, "ip");
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    struct trex_port ports[2];
    char *config, *path;

    trex_port_init(&ports[0], "nic", f->nic, !by_ip);
    trex_port_init(&ports[1], "peer-nic", f->peer_nic, !by_ip);
    if (!strcmp(ports[0].pci, ports[1].pci)) {
        ovs_fatal(0, "--nic=%s and --peer-nic=%s are the same device, %s; "
                  "TRex needs two", f->nic, f->peer_nic, ports[0].pci);
    }
    if (f->run_dir && !strcmp(file, "-")) {
        ovs_fatal(0, "--run needs a configuration in a file, not -o -");
    }

    config = trex_make_config(t, ports, by_ip);
    path = strcmp(file, "-") ? abs_file_name(NULL, file) : NULL;
    if (f->run_dir) {
        make_command(f, path, &argv);
    }
    if (f->dry_run && path) {
        printf("+ cat > %s << 'END'\n%sEND\n", path, config);
        if (f->run_dir) {
            char *command = fig7a_shell_quote(&argv);

            printf("+ cd %s\n+ %s\n", f->run_dir, command);
            free(command);
        }
    } else if (!path) {
        fputs(config, stdout);
    } else {
        if (f->run_dir) {
            check_trex(f->run_dir);
        }
        trex_write_config(path, config, f->force);
        if (f->run_dir) {
            run_trex(t, f, &argv);
        } else {
            printf("wrote %s; to run TRex, use --run DIR\n", path);
        }
    }
    svec_destroy(&argv);
    free(config);
    free(path);
}
