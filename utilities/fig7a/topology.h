/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_TOPOLOGY_H
#define FIG7A_TOPOLOGY_H 1

/* The commands that set a topology up on a host that has a switch. */

#include <stdbool.h>
#include <stddef.h>

#include "fig7a.h"
#include "svec.h"

/* Names of what is made. */
#define FIG7A_BRIDGE "br-fig7a"         /* Where the VM is. */
#define FIG7A_PHY_BRIDGE "br-fig7a-phy" /* Where the NIC is. */
#define FIG7A_TUNNEL "fig7a-gnv"
#define FIG7A_VM "fig7a-vm"             /* If the VM is on a socket. */

/* Where a topology is set up.  Strings may be null. */
struct fig7a_place {
    const char *nic;
    const char *peer_nic;       /* If there is no VM. */
    const char *local_ip;       /* "ADDRESS/LENGTH" */
    const char *remote_ip;      /* Without it, there is no tunnel. */
    const char *vm;             /* A tap, or the socket of a client. */
    bool vm_listens;            /* OVS makes the socket 'FIG7A_VM' instead. */
    const char *feature_mask;   /* Of a vhost-user port. */
    bool in_tree;               /* Use OVS's own types. */
    enum fig7a_pipeline pipeline;
    unsigned int rules;
};

/* A command. */
struct fig7a_step {
    const char *why;            /* A comment for who reads along. */
    struct svec argv;
    char *input;                /* What it reads, or null. */
    struct svec undo;           /* The command that takes it back, or empty. */
};

struct fig7a_steps {
    struct fig7a_step *steps;
    size_t n, allocated;
};

void fig7a_steps_init(struct fig7a_steps *, const struct fig7a_topology *,
                      const struct fig7a_place *);
void fig7a_steps_destroy(struct fig7a_steps *);

#endif /* topology.h */
