/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_PKT_CORPUS_END_H
#define TESTS_PKT_CORPUS_END_H 1

/* The other ends of ports: a tap, a veth, or a guest. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost-frontend.h"

/* How long the switch may take for anything, in ms: the machine may be
 * busy. */
#define END_TIMEOUT_MS 60000

struct end {
    const char *name;
    enum { TAP, VETH, GUEST } type;
    int fd;                     /* Unless GUEST. */
    struct vfe vfe;             /* GUEST. */
};

bool end_open(struct end *, const char *name);
bool end_send(struct end *, const struct vfe_net_hdr *, const uint8_t *data,
              size_t size);
bool end_recv(struct end *, struct vfe_net_hdr *, uint8_t *data,
              size_t *size);
void end_wait(struct end *, int ms);

#endif /* pkt-corpus-end.h */
