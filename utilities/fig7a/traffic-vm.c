/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The VM of "ovs-fig7a traffic": a process that sends back what it receives,
 * on a vhost-user socket or on a tap. */

#include "traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpus.h"
#include "exec.h"
#include "topology.h"
#include "timeval.h"
#include "util.h"

/* Memory of the VM, in MB. */
#define VM_MEMORY 128

/* Starts a child, the VM, that does not outlive us, whose standard input does
 * not end before fig7a_traffic_stop_vm().  Returns its process ID, 0 in the
 * child. */
static pid_t
fork_vm(struct fig7a_traffic *tr)
{
    pid_t parent = getpid();
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC)) {
        ovs_fatal(errno, "pipe");
    }
    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        ovs_fatal(errno, "fork");
    } else if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(fds[0], STDIN_FILENO)) {
            _exit(EXIT_FAILURE);
        }
        signal(SIGINT, SIG_IGN);
        fig7a_run_on_cpu(tr->vm_cpu);
        return 0;
    }
    close(fds[0]);
    tr->vm = pid;
    tr->vm_input = fds[1];
    return pid;
}

/* Says what the VM has written to 'file' and what became of it, if it has
 * ended. */
static char *
vm_error(struct fig7a_traffic *tr, const char *file)
{
    char *script = xasprintf("tail -n 3 %s", file);
    char *text, *error = NULL;

    if (waitpid(tr->vm, NULL, WNOHANG) == tr->vm) {
        fig7a_execl(NULL, &text, "sh", "-c", script, NULL);
        error = xasprintf("the VM (dpdk-testpmd) ended: %s", text);
        free(text);
        tr->vm = 0;
    }
    free(script);
    return error;
}

static bool
file_has(const char *file, const char *text)
{
    FILE *stream = fopen(file, "r");
    char line[256];
    bool found = false;

    while (stream && !found && fgets(line, sizeof line, stream)) {
        found = strstr(line, text) != NULL;
    }
    if (stream) {
        fclose(stream);
    }
    return found;
}

/* Fills in 'argv' with the command that starts a guest at the other end of the
 * vhost-user port: testpmd, whose output shall not wait in a buffer. */
void
fig7a_traffic_get_testpmd(const struct fig7a_traffic *tr, struct svec *argv)
{
    svec_init(argv);
    svec_parse_words(argv, "stdbuf -oL dpdk-testpmd --no-huge --no-pci "
                     "--no-shconf --no-telemetry");
    svec_add(argv, "-m");
    svec_add_nocopy(argv, xasprintf("%d", VM_MEMORY));
    svec_add_nocopy(argv, xasprintf("--lcores=0@%u,1@%u", tr->vm_cpu,
                                    tr->vm_cpu));
    svec_add_nocopy(argv, xasprintf(
        "--vdev=net_virtio_user0,path=%s/%s/%s,queues=1,queue_size=1024,"
        "mac=02:00:00:00:00:03", fig7a_sandbox_dir(), FIG7A_TRAFFIC_HOST,
        FIG7A_VM));
    svec_parse_words(argv, "-- --forward-mode=io --total-num-mbufs=8192 "
                     "--no-mlockall --rxd=1024 --txd=1024");
    svec_terminate(argv);
}

/* Starts a guest at the other end of the vhost-user port, whose socket there
 * is: testpmd, which sends back what it receives. */
void
fig7a_traffic_start_testpmd(struct fig7a_traffic *tr)
{
    const char *dir = fig7a_sandbox_dir();
    char *log = xasprintf("%s/vm.log", dir);
    long long int deadline = time_msec() + 60000;
    int fd;

    fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0644);
    if (fd < 0) {
        ovs_fatal(errno, "%s", log);
    }
    if (!fork_vm(tr)) {
        struct svec argv;

        fig7a_traffic_get_testpmd(tr, &argv);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execvp(argv.names[0], argv.names);
        _exit(EXIT_FAILURE);
    }
    close(fd);

    /* It asks for Enter when it has started. */
    while (!file_has(log, "Press enter")) {
        char *error = vm_error(tr, log);

        fig7a_traffic_check_interrupted();
        if (!error && time_msec() > deadline) {
            error = xstrdup("the VM (dpdk-testpmd) does not start");
        }
        fig7a_traffic_check(tr, error);
        usleep(50000);
    }
    free(log);
}

/* Goes to the namespace of 'host'. */
static void
enter_host(const struct fig7a_host *host)
{
    char *file = xasprintf("/run/netns/%s", host->name);
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET)) {
        ovs_fatal(errno, "%s", file);
    }
    close(fd);
    free(file);
}

/* Makes the tap FIG7A_TRAFFIC_TAP.  Returns the descriptor of its VM, or ends
 * the process. */
static int
open_tap(void)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    ovs_strlcpy(ifr.ifr_name, FIG7A_TRAFFIC_TAP, sizeof ifr.ifr_name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
        ovs_fatal(errno, "cannot make a tap");
    }
    return fd;
}

/* Starts a VM on a tap in the host: reads packets and writes them back, for
 * ever. */
void
fig7a_traffic_start_tap(struct fig7a_traffic *tr)
{
    int ready[2];
    char c;

    if (pipe2(ready, O_CLOEXEC)) {
        ovs_fatal(errno, "pipe");
    }
    if (!fork_vm(tr)) {
        uint8_t packet[2048];
        int fd;

        enter_host(&tr->host);
        fd = open_tap();
        if (write(ready[1], "", 1) != 1) {
            _exit(EXIT_FAILURE);
        }
        for (;;) {
            ssize_t n = read(fd, packet, sizeof packet);

            if (n > 0 && write(fd, packet, n) < 0 && errno != EAGAIN
                && errno != EIO && errno != ENOBUFS) {
                _exit(EXIT_FAILURE);    /* The tap has gone. */
            }
        }
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) != 1) {
        fig7a_traffic_check(tr, xstrdup("the VM's tap cannot be made"));
    }
    close(ready[0]);
}

/* Ends the VM, if there is one. */
void
fig7a_traffic_stop_vm(struct fig7a_traffic *tr)
{
    if (tr->vm) {
        kill(tr->vm, SIGKILL);
        while (waitpid(tr->vm, NULL, 0) < 0 && errno == EINTR) {
            continue;
        }
        close(tr->vm_input);
        tr->vm = 0;
    }
}
