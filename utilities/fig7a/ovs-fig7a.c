/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* ovs-fig7a sets up, runs and measures the topologies of Figure 7(a) of
 * "Revisiting the Open vSwitch Dataplane Ten Years Later" (SIGCOMM 2021).
 * This file has the command line; each command has a file of its own. */

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"
#include "fatal-signal.h"
#include "fig7a.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

/* The order is that of the paper's figure. */
const struct fig7a_topology fig7a_topologies[] = {
    { "kernel-tap", "kernel + tap/veth (csum and TSO)",
      NULL, NULL, false, true, true, 2.2 },
    { "afxdp-tap-interrupt", "AF_XDP + tap/veth (interrupt)",
      "afxdp-interrupt", "afxdp-nonpmd", false, false, false, 1.9 },
    { "afxdp-tap-polling", "AF_XDP + tap/veth (polling)",
      "afxdp-polling", "afxdp", false, false, false, 3.0 },
    { "afxdp-vhostuser", "AF_XDP + vhostuser (no offload)",
      "afxdp-polling", "afxdp", true, false, false, 4.4 },
    { "afxdp-vhostuser-csum", "AF_XDP + vhostuser (csum offload)",
      "afxdp-polling", "afxdp", true, true, false, 6.5 },
    { "afxdp-vhostuser-tso", "AF_XDP + vhostuser (csum and TSO offload)",
      "afxdp-polling", "afxdp", true, true, true, 0 },
};
const size_t fig7a_n_topologies = ARRAY_SIZE(fig7a_topologies);

/* Returns the topology 'id'.  Ends the process if there is none. */
const struct fig7a_topology *
fig7a_find_topology(const char *id)
{
    for (size_t i = 0; i < fig7a_n_topologies; i++) {
        if (!strcmp(id, fig7a_topologies[i].id)) {
            return &fig7a_topologies[i];
        }
    }

    struct ds ids = DS_EMPTY_INITIALIZER;
    for (size_t i = 0; i < fig7a_n_topologies; i++) {
        ds_put_format(&ids, "%s%s", i ? ", " : "", fig7a_topologies[i].id);
    }
    ovs_fatal(0, "%s: no such topology; there are %s", id, ds_cstr(&ids));
}

static void
cmd_list(struct ovs_cmdl_context *ctx OVS_UNUSED)
{
    printf("%-22s %-42s %s\n", "topology", "in the paper", "Gbps");
    for (size_t i = 0; i < fig7a_n_topologies; i++) {
        const struct fig7a_topology *t = &fig7a_topologies[i];

        if (t->paper_gbps) {
            printf("%-22s %-42s %4.1f\n", t->id, t->heading, t->paper_gbps);
        } else {
            printf("%-22s %-42s    -\n", t->id, t->heading);
        }
    }
}

OVS_NO_RETURN static void
usage(void)
{
    printf("\
%s: the topologies of Figure 7(a), \"Revisiting the Open vSwitch\n\
Dataplane Ten Years Later\", set up and measured.\n\
usage: %s [OPTION...] COMMAND [ARG...]\n\
\n\
Commands:\n\
  list                    print the topologies\n\
  show TOPOLOGY           draw it, and print the commands that set it up\n\
  check [TOPOLOGY]        say what this machine lacks, and how to mend it\n\
  up TOPOLOGY             set it up on this machine\n\
  down                    undo that\n\
  run [TOPOLOGY...|all]   the experiment on this machine alone, without a NIC\n\
  plot RESULTS.json       draw the figure, the paper's bars beside ours\n\
  trex TOPOLOGY           write TRex's configuration, and run it with --run\n\
  traffic TOPOLOGY        the same traffic without TRex, on this machine alone\n\
\n\
Options of \"show\", \"check\", \"up\" and \"trex\":\n\
  --nic=IF                the NIC that leads to the other host\n\
  --peer-nic=IF           the second port, for traffic that is looped\n\
  --local-ip=IP[/LEN]     this end of the tunnel\n\
  --remote-ip=IP          its other end; without it, there is no tunnel\n\
  --vm=SOCKET|TAP         where the VM is\n\
  --force                 even if the NIC carries the default route\n\
  --wait=SECONDS          fail if the other end does not answer by then\n\
Options of \"run\" and \"traffic\":\n\
  --duration=SECONDS      of one measurement (default: 5; of TRex: 1000)\n\
  --repeat=N              measurements of each topology (default: 3)\n\
  --budget=SECONDS        fewer of them, to end within that time (of \"run\";\n\
                          default: any time)\n\
  --endpoint=uml|veth     a User Mode Linux guest, or a namespace\n\
  --compare=in-tree       measure Open vSwitch's own types as well\n\
  --window=SIZE           TCP window, as for iperf3 (default: 256K)\n\
Option of \"plot\":\n\
  --normalize             draw only each divided by its own kernel-tap\n\
Options of \"trex\" and \"traffic\":\n\
  --run=DIR               start t-rex-64, which is in DIR\n\
  --port-info=mac|ip      what the configuration says of each port\n\
  -m, --multiplier=N      of the rate of the profile (default: 150)\n\
  -l, --probes=N          latency probes per second (default: 1000)\n\
Other options:\n\
  --pipeline=forward|nsx  the OpenFlow rules (default: forward)\n\
  --rules=N               how many, of \"nsx\" (default: %d)\n\
  --dry-run               print what would be done\n\
  --format=table|json     what is printed\n\
  -o, --output=FILE       what is written\n",
           program_name, program_name, FIG7A_MAX_RULES);
    vlog_usage();
    printf("\
  -h, --help              print this\n\
  -V, --version           print the version\n");
    exit(EXIT_SUCCESS);
}

/* The value 'arg' of 'option', from 'min' to 'max'. */
static unsigned int
parse_number(const char *option, const char *arg, unsigned int min,
             unsigned int max)
{
    unsigned int n;

    if (!isdigit((unsigned char) arg[0]) || !str_to_uint(arg, 10, &n)
        || n < min || n > max) {
        ovs_fatal(0, "--%s=%s: not a number from %u to %u", option, arg, min,
                  max);
    }
    return n;
}

/* True if 'arg', the value of 'option', is 'second', false if it is
 * 'first'. */
static bool
parse_choice(const char *option, const char *arg, const char *first,
             const char *second)
{
    if (!strcmp(arg, second)) {
        return true;
    } else if (strcmp(arg, first)) {
        ovs_fatal(0, "--%s=%s: not %s or %s", option, arg, first, second);
    }
    return false;
}

/* iperf3 takes a number with a unit. */
static const char *
parse_window(const char *arg)
{
    size_t n = strspn(arg, "0123456789");

    if (!n || n > 9 || (arg[n] && (!strchr("kKmMgG", arg[n]) || arg[n + 1]))) {
        ovs_fatal(0, "--window=%s: not a number, with K, M or G behind it or "
                  "not", arg);
    }
    return arg;
}

static void
parse_options(int argc, char *argv[], struct fig7a *f)
{
    enum {
        OPT_BUDGET = UCHAR_MAX + 1,
        OPT_COMPARE,
        OPT_DRY_RUN,
        OPT_DURATION,
        OPT_ENDPOINT,
        OPT_FORCE,
        OPT_FORMAT,
        OPT_LOCAL_IP,
        OPT_NIC,
        OPT_NORMALIZE,
        OPT_PEER_NIC,
        OPT_PIPELINE,
        OPT_PORT_INFO,
        OPT_REMOTE_IP,
        OPT_REPEAT,
        OPT_RULES,
        OPT_RUN,
        OPT_VM,
        OPT_WAIT,
        OPT_WINDOW,
        VLOG_OPTION_ENUMS
    };
    static const struct option options[] = {
        {"budget", required_argument, NULL, OPT_BUDGET},
        {"compare", required_argument, NULL, OPT_COMPARE},
        {"dry-run", no_argument, NULL, OPT_DRY_RUN},
        {"duration", required_argument, NULL, OPT_DURATION},
        {"endpoint", required_argument, NULL, OPT_ENDPOINT},
        {"force", no_argument, NULL, OPT_FORCE},
        {"format", required_argument, NULL, OPT_FORMAT},
        {"help", no_argument, NULL, 'h'},
        {"local-ip", required_argument, NULL, OPT_LOCAL_IP},
        {"multiplier", required_argument, NULL, 'm'},
        {"nic", required_argument, NULL, OPT_NIC},
        {"normalize", no_argument, NULL, OPT_NORMALIZE},
        {"output", required_argument, NULL, 'o'},
        {"peer-nic", required_argument, NULL, OPT_PEER_NIC},
        {"pipeline", required_argument, NULL, OPT_PIPELINE},
        {"port-info", required_argument, NULL, OPT_PORT_INFO},
        {"probes", required_argument, NULL, 'l'},
        {"remote-ip", required_argument, NULL, OPT_REMOTE_IP},
        {"repeat", required_argument, NULL, OPT_REPEAT},
        {"rules", required_argument, NULL, OPT_RULES},
        {"run", required_argument, NULL, OPT_RUN},
        {"version", no_argument, NULL, 'V'},
        {"vm", required_argument, NULL, OPT_VM},
        {"wait", required_argument, NULL, OPT_WAIT},
        {"window", required_argument, NULL, OPT_WINDOW},
        VLOG_LONG_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    char *short_options = ovs_cmdl_long_options_to_short_options(options);
    char *end;

    for (;;) {
        int c = getopt_long(argc, argv, short_options, options, NULL);

        if (c == -1) {
            break;
        }
        switch (c) {
        case OPT_BUDGET:
            f->budget = parse_number("budget", optarg, 0, 1000000);
            break;
        case OPT_COMPARE:
            if (strcmp(optarg, "in-tree")) {
                ovs_fatal(0, "--compare=%s: only in-tree is known", optarg);
            }
            f->in_tree = true;
            break;
        case OPT_DRY_RUN:
            f->dry_run = true;
            break;
        case OPT_DURATION:
            f->duration = parse_number("duration", optarg, 1, 3600);
            f->trex_duration = f->duration;
            break;
        case OPT_ENDPOINT:
            f->endpoint = parse_choice("endpoint", optarg, "uml", "veth")
                          ? FIG7A_VETH : FIG7A_UML;
            break;
        case OPT_FORCE:
            f->force = true;
            break;
        case OPT_FORMAT:
            f->json = parse_choice("format", optarg, "table", "json");
            break;
        case OPT_LOCAL_IP:
            f->local_ip = optarg;
            break;
        case OPT_NIC:
            f->nic = optarg;
            break;
        case OPT_NORMALIZE:
            f->normalize = true;
            break;
        case OPT_PEER_NIC:
            f->peer_nic = optarg;
            break;
        case OPT_PIPELINE:
            f->pipeline = parse_choice("pipeline", optarg, "forward", "nsx")
                          ? FIG7A_NSX : FIG7A_FORWARD;
            break;
        case OPT_PORT_INFO:
            parse_choice("port-info", optarg, "mac", "ip");
            f->port_info = optarg;
            break;
        case OPT_REMOTE_IP:
            f->remote_ip = optarg;
            break;
        case OPT_REPEAT:
            f->repeat = parse_number("repeat", optarg, 1, 1000);
            break;
        case OPT_RULES:
            f->rules = parse_number("rules", optarg, 100, FIG7A_MAX_RULES);
            break;
        case OPT_RUN:
            f->run_dir = optarg;
            break;
        case OPT_VM:
            f->vm = optarg;
            break;
        case OPT_WAIT:
            f->wait = parse_number("wait", optarg, 1, 3600);
            break;
        case OPT_WINDOW:
            f->window = parse_window(optarg);
            break;
        case 'l':
            f->probes = parse_number("probes", optarg, 0, 100000);
            break;
        case 'm':
            errno = 0;
            f->multiplier = strtod(optarg, &end);
            if (errno || end == optarg || *end || !(f->multiplier > 0)
                || f->multiplier > 1e6) {
                ovs_fatal(0, "--multiplier=%s: not a number above 0, of at "
                          "most 1000000", optarg);
            }
            break;
        case 'o':
            f->output = optarg;
            break;
        case 'h':
            usage();
            break;
        case 'V':
            printf("%s (ovs-datapath-plugins) %s\n", program_name,
                   PLUGINS_VERSION);
            exit(EXIT_SUCCESS);
        VLOG_OPTION_HANDLERS
        case '?':
            exit(EXIT_FAILURE);
        default:
            OVS_NOT_REACHED();
        }
    }
    free(short_options);
}

static const struct ovs_cmdl_command commands[] = {
    {"list", NULL, 0, 0, cmd_list, OVS_RO},
    {"show", "TOPOLOGY", 1, 1, fig7a_cmd_show, OVS_RO},
    {"check", "[TOPOLOGY]", 0, 1, fig7a_cmd_check, OVS_RO},
    {"up", "TOPOLOGY", 1, 1, fig7a_cmd_up, OVS_RW},
    {"down", NULL, 0, 0, fig7a_cmd_down, OVS_RW},
    {"run", "[TOPOLOGY...|all]", 0, INT_MAX, fig7a_cmd_run, OVS_RW},
    {"plot", "RESULTS.json", 1, 1, fig7a_cmd_plot, OVS_RO},
    {"trex", "TOPOLOGY", 1, 1, fig7a_cmd_trex, OVS_RW},
    {"traffic", "TOPOLOGY", 1, 1, fig7a_cmd_traffic, OVS_RW},
    {NULL, NULL, 0, 0, NULL, OVS_RO},
};

int
main(int argc, char *argv[])
{
    struct fig7a f = {
        .duration = 5,
        .repeat = 3,
        .budget = FIG7A_NO_BUDGET,
        .rules = FIG7A_MAX_RULES,
        .window = "256K",
        .port_info = "mac",
        .multiplier = 150,
        .trex_duration = 1000,
        .probes = 1000,
    };
    struct ovs_cmdl_context ctx = { .pvt = &f };

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    parse_options(argc, argv, &f);
    if (optind == argc) {
        ovs_fatal(0, "no command (try --help)");
    }
    ctx.argc = argc - optind;
    ctx.argv = argv + optind;
    ovs_cmdl_run_command(&ctx, commands);
    return 0;
}
