/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "ovs-fig7a traffic": the traffic of "ovs-fig7a trex" on one machine, without
 * TRex and without a NIC.
 *
 *     sandbox                         host (a namespace)
 *     fig7a-gen0 ---- veth pair ----- fig7a-nic0    [switch]
 *     fig7a-gen1 ---- veth pair ----- fig7a-nic1        |
 *                                                      VM
 *
 * Packets go out of fig7a-gen0 and come back on fig7a-gen1: see
 * fig7a-generator.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command-line.h"
#include "cpus.h"
#include "fig7a.h"
#include "exec.h"
#include "generator.h"
#include "host.h"
#include "median.h"
#include "output.h"
#include "topology.h"
#include "openvswitch/json.h"
#include "process.h"
#include "timeval.h"
#include "util.h"

#define HOST "host"
#define TAP "fig7a-tap"
#define SPARE "fig7a-spare"

/* Traffic that is not counted, in seconds: until the switch has seen all
 * flows, and that the VM is there. */
#define WARM_UP 1.0
#define MAX_WARM_UPS 30

/* Memory of the VM, in MB. */
#define VM_MEMORY 128

static const char *const gen_devs[] = { "fig7a-gen0", "fig7a-gen1" };
static const char *const nic_devs[] = { "fig7a-nic0", "fig7a-nic1" };

/* Names of fig7a_sample's percentiles, for a table and for JSON. */
static const char *const percentile_headings[] = {
    "50%", "90%", "99%", "99.9%", "max"
};
static const char *const percentile_names[] = {
    "p50", "p90", "p99", "p99_9", "max"
};

/* A topology with the traffic that goes through it. */
struct traffic {
    const struct fig7a *f;
    const struct fig7a_topology *t;
    bool in_tree;
    struct fig7a_host host;
    unsigned int pmd_cpu, vm_cpu;
    bool shared_cpus;           /* They are not three. */
    pid_t vm;                   /* 0 if there is none. */
    int vm_input;               /* The other end of its standard input. */
    struct fig7a_generator generator;
    struct simap drops;         /* Of all measurements. */
    struct fig7a_sample *samples; /* f->repeat of them. */
};

/* Whose interface types those are. */
static const char *
type_name(const struct traffic *tr)
{
    return !tr->t->nic_type ? "kernel" : tr->in_tree ? "in-tree" : "ours";
}

/* On a terminal, says what is done. */
static void
progress(const struct traffic *tr, const char *what)
{
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%s (%s): %s", tr->t->id, type_name(tr),
                what);
    }
}

static void
end_progress(void)
{
    if (isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
}

static void
check_interrupted(void)
{
    if (fig7a_interrupted()) {
        end_progress();
        ovs_fatal(0, "interrupted");
    }
}

/* Ends the process. */
static void OVS_NO_RETURN
die(const struct traffic *tr, char *error)
{
    char *log;

    end_progress();
    check_interrupted();
    log = tr->host.dir ? fig7a_host_get_log(&tr->host) : NULL;
    ovs_fatal(0, "%s: %s%s%s", tr->t->id, error,
              log && log[0] ? "\n" : "", log ? log : "");
}

static void
check(const struct traffic *tr, char *error)
{
    if (error) {
        die(tr, error);
    }
}

/* Gives the switch, the VM and the generator a CPU each, as far as there are
 * any; the first goes to what sleeps in between. */
static void
choose_cpus(struct traffic *tr)
{
    unsigned int cpus[4];
    size_t n = fig7a_get_cpus(cpus, ARRAY_SIZE(cpus));

    tr->generator.cpu = cpus[n > 3 ? 1 : 0];
    tr->pmd_cpu = cpus[n > 3 ? 2 : n > 1 ? 1 : 0];
    tr->vm_cpu = cpus[n > 2 ? n - 1 : 0];
    tr->shared_cpus = n < 3;
}

/* The VM. */

/* Starts a child, the VM, that does not outlive us, whose standard input does
 * not end before stop_vm().  Returns its process ID, 0 in the child. */
static pid_t
fork_vm(struct traffic *tr)
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
vm_error(struct traffic *tr, const char *file)
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
static void
get_testpmd(const struct traffic *tr, struct svec *argv)
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
        "mac=02:00:00:00:00:03", fig7a_sandbox_dir(), HOST, FIG7A_VM));
    svec_parse_words(argv, "-- --forward-mode=io --total-num-mbufs=8192 "
                     "--no-mlockall --rxd=1024 --txd=1024");
    svec_terminate(argv);
}

/* Starts a guest at the other end of the vhost-user port, whose socket there
 * is: testpmd, which sends back what it receives. */
static void
start_testpmd(struct traffic *tr)
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

        get_testpmd(tr, &argv);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        execvp(argv.names[0], argv.names);
        _exit(EXIT_FAILURE);
    }
    close(fd);

    /* It asks for Enter when it has started. */
    while (!file_has(log, "Press enter")) {
        char *error = vm_error(tr, log);

        check_interrupted();
        if (!error && time_msec() > deadline) {
            error = xstrdup("the VM (dpdk-testpmd) does not start");
        }
        check(tr, error);
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

/* Makes the tap TAP.  Returns the descriptor of its VM, or ends the
 * process. */
static int
open_tap(void)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    ovs_strlcpy(ifr.ifr_name, TAP, sizeof ifr.ifr_name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
        ovs_fatal(errno, "cannot make a tap");
    }
    return fd;
}

/* Starts a VM on a tap in the host: reads packets and writes them back, for
 * ever. */
static void
start_tap(struct traffic *tr)
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
        check(tr, xstrdup("the VM's tap cannot be made"));
    }
    close(ready[0]);
}

static void
stop_vm(struct traffic *tr)
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

/* Setting up. */

/* Makes a pair of devices: 'name' in the sandbox, and 'peer' in the namespace
 * 'netns'. */
static void
make_veth(const struct traffic *tr, const char *name, const char *peer,
          const char *netns)
{
    struct fig7a_exec how = { .timeout = 20 };
    char *output;

    if (fig7a_execl(&how, &output, "ip", "link", "add", name, "numrxqueues",
                    "1", "numtxqueues", "1", "type", "veth", "peer", "name",
                    peer, "numrxqueues", "1", "numtxqueues", "1", "netns",
                    netns, NULL)
        || (free(output), false)
        || fig7a_execl(&how, &output, "ip", "link", "set", name, "up", NULL)) {
        die(tr, output);
    }
    free(output);
}

static void
make_veths(const struct traffic *tr)
{
    make_veth(tr, SPARE, SPARE "-p", tr->host.name);
    for (int i = 0; i < 2; i++) {
        make_veth(tr, gen_devs[i], nic_devs[i], tr->host.name);
        if (!tr->t->nic_type) {
            /* Only with this, or XDP, it takes what XDP sends. */
            char *output;

            if (fig7a_execl(&tr->host.exec, &output, "ethtool", "-K",
                            nic_devs[i], "gro", "on", NULL)) {
                die(tr, output);
            }
            free(output);
        }
    }
}

static void
remove_veths(void)
{
    static const char *const devices[] = {
        "fig7a-gen0", "fig7a-gen1", SPARE
    };

    for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
        char *output;

        fig7a_execl(NULL, &output, "ip", "link", "del", devices[i], NULL);
        free(output);
    }
}

/* Nobody shall send anything by himself, and be it router solicitations. */
static void
disable_ipv6(const struct fig7a_host *host)
{
    char *output;

    fig7a_execl(&host->exec, &output, "sh", "-c",
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; "
                "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6", NULL);
    free(output);
    fig7a_execl(NULL, &output, "sh", "-c",
                "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6", NULL);
    free(output);
}

/* Fills in 'steps' with the commands for the host. */
static void
get_steps(const struct traffic *tr, struct fig7a_steps *steps)
{
    struct fig7a_place place = {
        .nic = nic_devs[0],
        .peer_nic = nic_devs[1],
        .vm = TAP,
        .vm_listens = tr->t->vhostuser,
        .in_tree = tr->in_tree,
    };

    fig7a_steps_init(steps, tr->t, &place);
}

static void
run_steps(const struct traffic *tr)
{
    struct fig7a_steps steps;

    get_steps(tr, &steps);
    for (size_t i = 0; i < steps.n; i++) {
        struct fig7a_exec how = tr->host.exec;
        char *output;

        how.input = steps.steps[i].input;
        how.timeout = 60;
        if (fig7a_exec(&how, &steps.steps[i].argv, &output)) {
            char *command = fig7a_shell_quote(&steps.steps[i].argv);

            die(tr, xasprintf("%s: %s", command, output));
        }
        free(output);
        check_interrupted();
    }
    fig7a_steps_destroy(&steps);
}

/* Counters. */

/* True if a counter of this name is about packets that got lost. */
static bool
counts_drops(const char *name)
{
    static const char *const words[] = {
        "drop", "err", "miss", "full", "invalid", "fail", "discard", "over"
    };

    /* Sums of others: of a queue, and what the kernel says of a device that
     * the switch knows better. */
    if (strstr(name, ":tx_q") || strstr(name, ":rx_q")) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strstr(name, words[i])) {
            return true;
        }
    }
    return false;
}

/* Adds to 'counters' those of the kernel for the generator's devices. */
static void
get_generator_counters(struct simap *counters)
{
    for (size_t i = 0; i < ARRAY_SIZE(gen_devs); i++) {
        char *dir = xasprintf("/sys/class/net/%s/statistics", gen_devs[i]);
        DIR *stream = opendir(dir);
        struct dirent *entry;

        while (stream && (entry = readdir(stream))) {
            char *file = xasprintf("%s/%s", dir, entry->d_name);
            FILE *value = fopen(file, "r");
            unsigned long long int n;

            if (value) {
                if (fscanf(value, "%llu", &n) == 1) {
                    char *name = xasprintf("%s:%s", gen_devs[i],
                                           entry->d_name);

                    simap_put(counters, name, MIN(n, UINT_MAX));
                    free(name);
                }
                fclose(value);
            }
            free(file);
        }
        if (stream) {
            closedir(stream);
        }
        free(dir);
    }
}

static void
get_counters(const struct traffic *tr, struct simap *counters)
{
    fig7a_host_get_counters(&tr->host, counters);
    get_generator_counters(counters);
}

/* Stores in tr->drops what counters of drops have counted since they were
 * 'before'. */
static void
get_drops(struct traffic *tr, const struct simap *before)
{
    struct simap after = SIMAP_INITIALIZER(&after);
    const struct simap_node *node;

    get_counters(tr, &after);
    SIMAP_FOR_EACH (node, &after) {
        unsigned int old = simap_get(before, node->name);

        if (node->data > old && counts_drops(node->name)) {
            simap_put(&tr->drops, node->name, node->data - old);
        }
    }
    simap_destroy(&after);
}

/* Results. */

/* The columns of the table. */
enum column {
    SENT, RECEIVED, LOST, PERCENTILES,
    N_COLUMNS = PERCENTILES + ARRAY_SIZE(percentile_names)
};

static double
get_column(const struct fig7a_sample *s, enum column column)
{
    switch (column) {
    case SENT:
        return s->sent / s->seconds / 1e6;
    case RECEIVED:
        return s->received / s->seconds / 1e6;
    case LOST:
        return s->sent ? 100 - 100.0 * s->received / s->sent : 0;
    case PERCENTILES:
    case N_COLUMNS:
    default:
        return s->percentiles[column - PERCENTILES];
    }
}

/* The median of those measurements that have a value, NaN if none has. */
static double
median(const struct traffic *tr, enum column column)
{
    double *values = xmalloc(tr->f->repeat * sizeof *values);
    double result;
    size_t n = 0;

    for (size_t i = 0; i < tr->f->repeat; i++) {
        values[n] = get_column(&tr->samples[i], column);
        n += !isnan(values[n]);
    }
    result = fig7a_median(values, n);
    free(values);
    return result;
}

static void
print_samples(const struct traffic *tr)
{
    const char *type = type_name(tr);

    for (size_t i = 0; i <= tr->f->repeat; i++) {
        bool last = i == tr->f->repeat;

        if (last) {
            printf("%-8s %-6s", type, "median");
        } else {
            printf("%-8s %-6"PRIuSIZE, type, i + 1);
        }
        for (enum column c = 0; c < N_COLUMNS; c++) {
            double value = last ? median(tr, c)
                                : get_column(&tr->samples[i], c);

            if (c >= PERCENTILES && !tr->f->probes) {
                break;
            }
            if (isnan(value)) {
                printf(" %8s", "-");
            } else {
                printf(" %8.*f", c == LOST ? 2 : c < LOST ? 3 : 1, value);
            }
        }
        putchar('\n');
    }
}

/* How many packets and probes of all measurements did not come back. */
static uint64_t
count_lost(const struct traffic *tr)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < tr->f->repeat; i++) {
        const struct fig7a_sample *s = &tr->samples[i];

        lost += s->sent + s->probes_sent - s->received - s->probes_received;
    }
    return lost;
}

/* How many of them no counter tells of. */
static uint64_t
count_unexplained(const struct traffic *tr)
{
    uint64_t lost = count_lost(tr);
    const struct simap_node *node;

    SIMAP_FOR_EACH (node, &tr->drops) {
        lost -= MIN(lost, node->data);
    }
    return lost;
}

static void
print_drops(const struct traffic *tr)
{
    const struct simap_node **nodes = simap_sort(&tr->drops);
    size_t n = simap_count(&tr->drops);
    uint64_t unexplained = count_unexplained(tr);

    printf("\n%s: lost %"PRIu64" packets and probes\n", type_name(tr),
           count_lost(tr));
    for (size_t i = 0; i < n; i++) {
        printf("  %10u  %s\n", nodes[i]->data, nodes[i]->name);
    }
    if (unexplained) {
        printf("  %10"PRIu64"  elsewhere, such as in the VM\n", unexplained);
    }
    free(nodes);
}

/* Prints what was asked for, and what each of the 'n' in 'trs' made. */
static void
print_results(const struct traffic *trs, size_t n)
{
    static const char *const headings[PERCENTILES] = {
        "sent", "received", "lost"
    };
    static const char *const units[PERCENTILES] = { "Mpps", "Mpps", "%" };
    const struct traffic *tr = &trs[0];
    printf("%s: 64-byte UDP, %d flows, -m %g is %.3f Mpps; %u probes/s\n\n",
           tr->t->id, FIG7A_N_FLOWS, tr->f->multiplier,
           tr->generator.rate / 1e6, tr->f->probes);
    printf("%-8s %-6s", "", "");
    for (enum column c = 0; c < N_COLUMNS; c++) {
        if (c < PERCENTILES || tr->f->probes) {
            printf(" %8s", (c < PERCENTILES ? headings[c]
                            : percentile_headings[c - PERCENTILES]));
        }
    }
    printf("\n%-8s %-6s", "switch", "run");
    for (enum column c = 0; c < N_COLUMNS; c++) {
        if (c < PERCENTILES || tr->f->probes) {
            printf(" %8s", c < PERCENTILES ? units[c] : "us");
        }
    }
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        print_samples(&trs[i]);
    }
    for (size_t i = 0; i < n; i++) {
        print_drops(&trs[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double sent = median(&trs[i], SENT);

        if (sent < 0.98 * tr->generator.rate / 1e6) {
            printf("\n%s: of %.3f Mpps this machine made only %.3f\n",
                   type_name(&trs[i]), tr->generator.rate / 1e6, sent);
        }
    }
    if (tr->shared_cpus) {
        printf("\nGenerator, switch and VM share CPUs: there are fewer than "
               "three.\n");
    }
}

static struct json *
traffic_to_json(const struct traffic *tr)
{
    struct json *json = json_object_create();
    struct json *samples = json_array_create_empty();
    struct json *drops = json_object_create();
    const struct simap_node *node;

    json_object_put_string(json, "generator", "kernel");
    json_object_put_string(json, "topology", tr->t->id);
    json_object_put_string(json, "types", type_name(tr));
    json_object_put(json, "multiplier",
                    json_real_create(tr->f->multiplier));
    json_object_put(json, "asked_mpps",
                    json_real_create(tr->generator.rate / 1e6));
    json_object_put(json, "probes_per_second",
                    json_integer_create(tr->f->probes));
    json_object_put(json, "shared_cpus",
                    json_boolean_create(tr->shared_cpus));
    for (size_t i = 0; i < tr->f->repeat; i++) {
        const struct fig7a_sample *s = &tr->samples[i];
        struct json *sample = json_object_create();
        struct json *latency = json_object_create();

        json_object_put(sample, "seconds", json_real_create(s->seconds));
        json_object_put(sample, "sent", json_integer_create(s->sent));
        json_object_put(sample, "received", json_integer_create(s->received));
        json_object_put(sample, "sent_mpps",
                        json_real_create(get_column(s, SENT)));
        json_object_put(sample, "received_mpps",
                        json_real_create(get_column(s, RECEIVED)));
        json_object_put(sample, "lost_percent",
                        json_real_create(get_column(s, LOST)));
        json_object_put(sample, "probes_sent",
                        json_integer_create(s->probes_sent));
        json_object_put(sample, "probes_received",
                        json_integer_create(s->probes_received));
        for (size_t j = 0; j < ARRAY_SIZE(percentile_names); j++) {
            json_object_put(latency, percentile_names[j],
                            isnan(s->percentiles[j])
                            ? json_null_create()
                            : json_real_create(s->percentiles[j]));
        }
        json_object_put(sample, "latency_us", latency);
        json_array_add(samples, sample);
    }
    json_object_put(json, "measurements", samples);
    json_object_put(json, "median_received_mpps",
                    json_real_create(median(tr, RECEIVED)));
    SIMAP_FOR_EACH (node, &tr->drops) {
        json_object_put(drops, node->name, json_integer_create(node->data));
    }
    json_object_put(json, "drops", drops);
    json_object_put(json, "drops_elsewhere",
                    json_integer_create(count_unexplained(tr)));
    return json;
}

static void
print_json(const struct traffic *trs, size_t n)
{
    struct json *json = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(json, traffic_to_json(&trs[i]));
    }
    fig7a_put_json(json, stdout);
}

static void
measure(struct traffic *tr, double seconds, struct fig7a_sample *s)
{
    char *error = fig7a_generator_measure(&tr->generator, seconds, s);

    check_interrupted();
    check(tr, error);
}

/* Sets 'tr' up, measures, and takes it down. */
static void
run_traffic(struct traffic *tr)
{
    struct simap before = SIMAP_INITIALIZER(&before);
    struct fig7a_sample warm_up;

    progress(tr, "starting a switch");
    simap_init(&tr->drops);
    tr->samples = xcalloc(tr->f->repeat, sizeof *tr->samples);
    check(tr, fig7a_host_start(&tr->host, HOST, tr->t->tso, tr->in_tree,
                               tr->pmd_cpu));
    disable_ipv6(&tr->host);
    make_veths(tr);
    if (!tr->t->vhostuser) {
        start_tap(tr);
    }
    run_steps(tr);
    check(tr, fig7a_generator_init(&tr->generator, gen_devs[0], gen_devs[1],
                                   SPARE));
    if (tr->t->vhostuser) {
        progress(tr, "starting a VM");
        start_testpmd(tr);
    }

    check(tr, fig7a_host_wake(&tr->host));
    progress(tr, "warming up");
    do {
        measure(tr, WARM_UP, &warm_up);
    } while (!warm_up.received && tr->generator.run < MAX_WARM_UPS);
    if (!warm_up.received) {
        die(tr, xstrdup("nothing comes back"));
    }
    get_counters(tr, &before);
    for (size_t i = 0; i < tr->f->repeat; i++) {
        progress(tr, "measuring");
        measure(tr, tr->f->duration, &tr->samples[i]);
    }
    get_drops(tr, &before);
    simap_destroy(&before);
    end_progress();

    stop_vm(tr);
    fig7a_generator_destroy(&tr->generator);
    remove_veths();
    fig7a_host_stop(&tr->host);
}

/* Prints what would be done. */
static void
dry_run(const struct traffic *tr)
{
    struct fig7a_steps steps;
    struct svec argv;
    char *command;

    printf("+ ip netns add %s\n", HOST);
    for (int i = 0; i < 2; i++) {
        printf("+ ip link add %s type veth peer name %s netns %s\n",
               gen_devs[i], nic_devs[i], HOST);
    }
    if (!tr->t->vhostuser) {
        printf("+ ip -n %s tuntap add mode tap %s\n", HOST, TAP);
    }
    get_steps(tr, &steps);
    for (size_t i = 0; i < steps.n; i++) {
        const struct fig7a_step *step = &steps.steps[i];

        command = fig7a_shell_quote(&step->argv);
        printf("+ ip netns exec %s %s", HOST, command);
        if (step->input) {
            printf(" <<'END'\n%sEND", step->input);
        }
        putchar('\n');
        free(command);
    }
    fig7a_steps_destroy(&steps);
    if (tr->t->vhostuser) {
        get_testpmd(tr, &argv);
        command = fig7a_shell_quote(&argv);
        printf("+ %s\n", command);
        free(command);
        svec_destroy(&argv);
    }
}

/* Ends the process if the machine lacks something for topology 't'. */
static void
check_machine(const struct fig7a_topology *t)
{
    static const char *const programs[] = { "stdbuf", "dpdk-testpmd" };

    if (!t->nic_type && access("/sys/module/openvswitch", F_OK)) {
        char *output;

        if (fig7a_execl(NULL, &output, "modprobe", "openvswitch", NULL)) {
            ovs_fatal(0, "%s: this kernel has no module openvswitch, which "
                      "is what would forward; choose another topology",
                      t->id);
        }
        free(output);
    }
    for (size_t i = 0; t->vhostuser && i < ARRAY_SIZE(programs); i++) {
        char *file = process_search_path(programs[i]);

        if (!file) {
            ovs_fatal(0, "%s: %s is missing, which is the VM; install %s",
                      t->id, programs[i], i ? "dpdk-dev" : "coreutils");
        }
        free(file);
    }
}

void
fig7a_cmd_traffic(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    const struct fig7a_topology *t = fig7a_find_topology(ctx->argv[1]);
    size_t n = f->in_tree && t->in_tree_type ? 2 : 1;
    struct traffic trs[2];

    memset(trs, 0, sizeof trs);
    for (size_t i = 0; i < n; i++) {
        trs[i].f = f;
        trs[i].t = t;
        trs[i].in_tree = i;
        trs[i].generator.rate = f->multiplier * FIG7A_RATE;
        trs[i].generator.probes = f->probes;
        choose_cpus(&trs[i]);
    }
    if (f->dry_run) {
        for (size_t i = 0; i < n; i++) {
            dry_run(&trs[i]);
        }
        return;
    }

    if (geteuid()) {
        /* Before a module cannot be loaded for the same reason. */
        ovs_fatal(0, "only root can make network namespaces; use sudo");
    }
    check_machine(t);
    fig7a_enter_sandbox();
    fig7a_interrupted();
    for (size_t i = 0; i < n; i++) {
        run_traffic(&trs[i]);
    }
    if (f->json) {
        print_json(trs, n);
    } else {
        print_results(trs, n);
    }
}
