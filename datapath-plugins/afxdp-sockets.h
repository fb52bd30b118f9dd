/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef AFXDP_SOCKETS_H
#define AFXDP_SOCKETS_H 1

/* The AF_XDP sockets of a port. */

#include <stdbool.h>
#include <stdint.h>

#include "afxdp-options.h"

struct frame_pool;
struct xsk;
struct xsk_stats;

/* All that is open for a port while it carries packets. */
struct afxdp_sockets {
    struct afxdp_options options; /* In force. */
    int ifindex;
    enum afxdp_xdp_mode mode;   /* In use. */
    char *why_not_better;       /* Why no better mode is, or null. */
    bool rx_csum_partial;
    const char *tx_csum;        /* Who completes checksums. */
    int max_mtu;
    bool restores_vlan_tags;
    int n_queues;               /* Receive queues that the device has. */
    int numa_id;                /* Of the device, -1 if unknown. */
    struct xsk_program *prog;
    struct frame_pool *pool;
    uint32_t n_frames;          /* Reserved in 'pool'. */
    struct xsk **xsks;
    int n_xsks;
    int n_txq;                  /* That many of them can send, too: the device
                                 * may have fewer queues for that. */
};

int afxdp_sockets_open(const char *name, const struct afxdp_options *,
                       int numa_id, struct afxdp_sockets **, char **errp);
void afxdp_sockets_close(struct afxdp_sockets *, struct xsk_stats *);
char *afxdp_sockets_check_mtu(const char *name, const struct afxdp_sockets *,
                              int mtu);

#endif /* afxdp-sockets.h */
