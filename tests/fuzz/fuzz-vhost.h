/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_FUZZ_VHOST_H
#define TESTS_FUZZ_VHOST_H 1

/* Between fuzz-vhost.c, which has the ports, and fuzz-vhost-ops.c, which has
 * what their guests do. */

#include "fuzz-input.h"
#include "vhost-frontend.h"

#define MAX_RXQS 4

/* A port and its guest. */
struct pair {
    const char *name;
    uint64_t without;           /* Features that the guest does not accept. */
    uint64_t with;              /* Further features that it does. */
    unsigned int n_regions;
    unsigned int n_pairs;

    struct netdev *netdev;
    struct netdev_rxq *rxqs[MAX_RXQS];
    unsigned int n_rxqs;
    char *path;
    struct vfe vfe;
    bool connected;
    bool dirty;                 /* The rings are not in order... */
    bool confused;              /* ...or what was agreed on. */
};

void op_frame(struct pair *, struct input *);
void op_bytes(struct pair *, struct input *);
void op_chain(struct pair *, struct input *);
void op_ring(struct pair *, struct input *);
void op_memory(struct pair *, struct input *);
void op_index(struct pair *, struct input *);
void op_receive(struct pair *);
int op_message(struct pair *, struct input *, int some_fd);

#endif /* fuzz-vhost.h */
