/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_SETUP_H
#define FIG7A_SETUP_H 1

/* A topology on this machine alone, in the sandbox of fig7a_enter_sandbox():
 * two hosts, with a switch and a VM each.
 *
 *    VM --- port [ br-fig7a ] geneve - - [ br-fig7a-phy ] eth0 --- eth0 of the
 *                                                                 other host
 *
 * Each host, "left" and "right", is a namespace with a switch of its own; see
 * host.h.  A kernel without openvswitch.ko cannot be a host of "kernel-tap":
 * then each host is a User Mode Linux guest, and its VM a namespace in there.
 *
 * Any number can be up at the same time: one that is at rest takes memory, but
 * no CPU time worth mentioning. */

#include "exec.h"
#include "fig7a.h"
#include "host.h"
#include "svec.h"

enum { FIG7A_LEFT, FIG7A_RIGHT, FIG7A_N_ENDS };

/* One host and its VM. */
struct fig7a_end {
    const char *name;           /* "left" or "right". */
    const char *vm_ip;
    char *netns;                /* Its namespace. */
    struct fig7a_host host;     /* Empty if the host is a guest. */
    struct svec vm_prefix;      /* To run a program in the VM. */
    struct fig7a_exec vm;       /* The same, for fig7a_exec(). */
    char *guest_dir;            /* Of the program uml-guest, or null. */
    pid_t proxy;                /* In front of the VM's port, if positive. */
};

struct fig7a_setup {
    const struct fig7a *f;
    const struct fig7a_topology *t;
    bool in_tree;
    const char *uml_guest;      /* The program. */
    bool up;
    bool in_uml;                /* The hosts are guests. */
    char *feature_mask;         /* Of vhost-user ports, or null. */
    struct fig7a_end ends[FIG7A_N_ENDS];
};

char *fig7a_setup_up(struct fig7a_setup *, const struct fig7a *,
                     const struct fig7a_topology *, bool in_tree,
                     const char *uml_guest);
void fig7a_setup_down(struct fig7a_setup *);
char *fig7a_setup_wake(struct fig7a_setup *);
void fig7a_setup_rest(struct fig7a_setup *);

#endif /* setup.h */
