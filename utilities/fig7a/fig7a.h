/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_H
#define FIG7A_H 1

/* What the parts of ovs-fig7a share: the topologies, the command line and the
 * commands. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct ovs_cmdl_context;

/* A topology of Figure 7(a), or one that follows from them. */
struct fig7a_topology {
    const char *id;
    const char *heading;        /* In the artifact notes of the paper. */
    const char *nic_type;       /* Interface type of the NIC, null: kernel. */
    const char *in_tree_type;   /* What OVS has without us, likewise. */
    bool vhostuser;             /* How the VM is reached, otherwise a tap. */
    bool csum;                  /* Offloads between VM and switch. */
    bool tso;
    double paper_gbps;          /* 0 if the figure does not have it. */
};

extern const struct fig7a_topology fig7a_topologies[];
extern const size_t fig7a_n_topologies;

const struct fig7a_topology *fig7a_find_topology(const char *id);

/* What the guests of "run" are. */
enum fig7a_endpoint {
    FIG7A_UML,                  /* User Mode Linux. */
    FIG7A_VETH                  /* A namespace on a veth. */
};

/* The OpenFlow rules. */
enum fig7a_pipeline {
    FIG7A_FORWARD,              /* One rule for each direction. */
    FIG7A_NSX                   /* See fig7a-pipeline.h. */
};

/* The number of rules in the paper, which is also the most that we make. */
#define FIG7A_MAX_RULES 103302

#define FIG7A_NO_BUDGET UINT_MAX

/* The command line.  Strings are null if they were not given. */
struct fig7a {
    bool dry_run;               /* Only print what would be done. */
    bool json;                  /* --format=json. */
    const char *output;         /* -o: name of a file. */
    enum fig7a_pipeline pipeline;
    unsigned int rules;

    /* "up", "show", "check", "trex": the machine. */
    const char *nic;
    const char *peer_nic;
    const char *local_ip;       /* Of the tunnel, with "/LENGTH" or not. */
    const char *remote_ip;
    const char *vm;             /* A socket, if it has a slash, or a tap. */
    bool force;
    unsigned int wait;          /* For the other host, in seconds. */

    /* "run". */
    unsigned int duration;      /* Of one measurement, in seconds. */
    unsigned int repeat;        /* Measurements of each topology. */
    unsigned int budget;        /* Seconds for all, or FIG7A_NO_BUDGET. */
    enum fig7a_endpoint endpoint;
    bool in_tree;               /* --compare=in-tree. */
    const char *window;         /* iperf3's -w. */

    /* "plot". */
    bool normalize;             /* Only ratios. */

    /* "trex", "traffic". */
    const char *run_dir;        /* --run: where t-rex-64 is. */
    const char *port_info;      /* "mac" or "ip". */
    double multiplier;          /* -m, as TRex has it. */
    unsigned int trex_duration; /* As 'duration', but by default TRex's. */
    unsigned int probes;        /* Latency probes a second (-l). */
};

/* Each takes the struct fig7a in ctx->pvt.  They end the process with a
 * message if they fail, when all is as it was. */
void fig7a_cmd_up(struct ovs_cmdl_context *);
void fig7a_cmd_down(struct ovs_cmdl_context *);
void fig7a_cmd_show(struct ovs_cmdl_context *);
void fig7a_cmd_check(struct ovs_cmdl_context *);
void fig7a_cmd_run(struct ovs_cmdl_context *);
void fig7a_cmd_plot(struct ovs_cmdl_context *);
void fig7a_cmd_trex(struct ovs_cmdl_context *);
void fig7a_cmd_traffic(struct ovs_cmdl_context *);

#endif /* fig7a.h */
