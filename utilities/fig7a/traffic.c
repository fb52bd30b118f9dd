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
 * generator.h. */

#include "traffic.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command-line.h"
#include "cpus.h"
#include "exec.h"
#include "output.h"
#include "topology.h"
#include "process.h"
#include "util.h"

#define SPARE "fig7a-spare"

/* Traffic that is not counted, in seconds: until the switch has seen all
 * flows, and that the VM is there. */
#define WARM_UP 1.0
#define MAX_WARM_UPS 30

static const char *const gen_devs[] = { "fig7a-gen0", "fig7a-gen1" };
static const char *const nic_devs[] = { "fig7a-nic0", "fig7a-nic1" };

/* Whose interface types those are. */
const char *
fig7a_traffic_type(const struct fig7a_traffic *tr)
{
    return !tr->t->nic_type ? "kernel" : tr->in_tree ? "in-tree" : "ours";
}

/* On a terminal, says what is done. */
static void
progress(const struct fig7a_traffic *tr, const char *what)
{
    if (isatty(STDERR_FILENO)) {
        fig7a_progress("%s (%s): %s", tr->t->id, fig7a_traffic_type(tr),
                       what);
    }
}

/* Ends the process if it was interrupted. */
void
fig7a_traffic_check_interrupted(void)
{
    if (fig7a_interrupted()) {
        fig7a_end_progress();
        ovs_fatal(0, "interrupted");
    }
}

/* Ends the process. */
static void OVS_NO_RETURN
die(const struct fig7a_traffic *tr, char *error)
{
    char *log;

    fig7a_end_progress();
    fig7a_traffic_check_interrupted();
    log = tr->host.dir ? fig7a_host_get_log(&tr->host) : NULL;
    ovs_fatal(0, "%s: %s%s%s", tr->t->id, error,
              log && log[0] ? "\n" : "", log ? log : "");
}

/* Ends the process if there is an 'error'. */
void
fig7a_traffic_check(const struct fig7a_traffic *tr, char *error)
{
    if (error) {
        die(tr, error);
    }
}

/* Gives the switch, the VM and the generator a CPU each, as far as there are
 * any; the first goes to what sleeps in between. */
static void
choose_cpus(struct fig7a_traffic *tr)
{
    unsigned int cpus[4];
    size_t n = fig7a_get_cpus(cpus, ARRAY_SIZE(cpus));

    tr->generator.cpu = cpus[n > 3 ? 1 : 0];
    tr->pmd_cpu = cpus[n > 3 ? 2 : n > 1 ? 1 : 0];
    tr->vm_cpu = cpus[n > 2 ? n - 1 : 0];
    tr->shared_cpus = n < 3;
}

/* Setting up. */

/* Makes a pair of devices: 'name' in the sandbox, and 'peer' in the namespace
 * 'netns'. */
static void
make_veth(const struct fig7a_traffic *tr, const char *name, const char *peer,
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
make_veths(const struct fig7a_traffic *tr)
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
get_steps(const struct fig7a_traffic *tr, struct fig7a_steps *steps)
{
    struct fig7a_place place = {
        .nic = nic_devs[0],
        .peer_nic = nic_devs[1],
        .vm = FIG7A_TRAFFIC_TAP,
        .vm_listens = tr->t->vhostuser,
        .in_tree = tr->in_tree,
    };

    fig7a_steps_init(steps, tr->t, &place);
}

static void
run_steps(const struct fig7a_traffic *tr)
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
        fig7a_traffic_check_interrupted();
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
get_counters(const struct fig7a_traffic *tr, struct simap *counters)
{
    fig7a_host_get_counters(&tr->host, counters);
    get_generator_counters(counters);
}

/* Stores in tr->drops what counters of drops have counted since they were
 * 'before'. */
static void
get_drops(struct fig7a_traffic *tr, const struct simap *before)
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

static void
measure(struct fig7a_traffic *tr, double seconds, struct fig7a_sample *s)
{
    char *error = fig7a_generator_measure(&tr->generator, seconds, s);

    fig7a_traffic_check_interrupted();
    fig7a_traffic_check(tr, error);
}

/* Sets 'tr' up, measures, and takes it down. */
static void
run_traffic(struct fig7a_traffic *tr)
{
    struct simap before = SIMAP_INITIALIZER(&before);
    struct fig7a_sample warm_up;

    progress(tr, "starting a switch");
    simap_init(&tr->drops);
    tr->samples = xcalloc(tr->f->repeat, sizeof *tr->samples);
    fig7a_traffic_check(tr, fig7a_host_start(&tr->host, FIG7A_TRAFFIC_HOST,
                                             tr->t->tso, tr->in_tree,
                                             tr->pmd_cpu));
    disable_ipv6(&tr->host);
    make_veths(tr);
    if (!tr->t->vhostuser) {
        fig7a_traffic_start_tap(tr);
    }
    run_steps(tr);
    fig7a_traffic_check(tr, fig7a_generator_init(&tr->generator, gen_devs[0],
                                                 gen_devs[1], SPARE));
    if (tr->t->vhostuser) {
        progress(tr, "starting a VM");
        fig7a_traffic_start_testpmd(tr);
    }

    fig7a_traffic_check(tr, fig7a_host_wake(&tr->host));
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
    fig7a_end_progress();

    fig7a_traffic_stop_vm(tr);
    fig7a_generator_destroy(&tr->generator);
    remove_veths();
    fig7a_host_stop(&tr->host);
}

/* Prints what would be done. */
static void
dry_run(const struct fig7a_traffic *tr)
{
    struct fig7a_steps steps;
    struct svec argv;
    char *command;

    printf("+ ip netns add %s\n", FIG7A_TRAFFIC_HOST);
    for (int i = 0; i < 2; i++) {
        printf("+ ip link add %s type veth peer name %s netns %s\n",
               gen_devs[i], nic_devs[i], FIG7A_TRAFFIC_HOST);
    }
    if (!tr->t->vhostuser) {
        printf("+ ip -n %s tuntap add mode tap %s\n", FIG7A_TRAFFIC_HOST,
               FIG7A_TRAFFIC_TAP);
    }
    get_steps(tr, &steps);
    for (size_t i = 0; i < steps.n; i++) {
        const struct fig7a_step *step = &steps.steps[i];

        command = fig7a_shell_quote(&step->argv);
        printf("+ ip netns exec %s %s", FIG7A_TRAFFIC_HOST, command);
        if (step->input) {
            printf(" <<'END'\n%sEND", step->input);
        }
        putchar('\n');
        free(command);
    }
    fig7a_steps_destroy(&steps);
    if (tr->t->vhostuser) {
        fig7a_traffic_get_testpmd(tr, &argv);
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
    struct fig7a_traffic trs[2];

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
        fig7a_traffic_print_json(trs, n);
    } else {
        fig7a_traffic_print(trs, n);
    }
}
