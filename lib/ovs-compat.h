/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef OVS_COMPAT_H
#define OVS_COMPAT_H 1

/* Everything that differs between the releases of Open vSwitch that we build
 * against (3.5 and later) and between the kernel headers of the distributions
 * that we build on.  No other file tests a version. */

#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"

/* Kernel interfaces.  The values are those of the kernel's
 * include/uapi/linux/if_xdp.h and bpf.h; Debian 12 ships Linux 6.1's. */

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#ifndef XDP_USE_SG                      /* Linux 6.6. */
#define XDP_USE_SG (1 << 4)
#define XDP_PKT_CONTD (1 << 0)
#endif

#ifndef XDP_TXMD_FLAGS_CHECKSUM         /* Linux 6.8. */
#define XDP_TXMD_FLAGS_CHECKSUM (1 << 1)
#define XDP_TX_METADATA (1 << 1)
#endif

#ifndef XDP_UMEM_TX_METADATA_LEN        /* Linux 6.11. */
#define XDP_UMEM_TX_METADATA_LEN (1 << 2)
#endif

#ifndef XDP_MAX_TX_SKB_BUDGET           /* Linux 6.17. */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

#ifndef BPF_F_XDP_DEV_BOUND_ONLY        /* Linux 6.3. */
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

/* The argument of XDP_UMEM_REG with the member that Linux 6.8 added.  Older
 * kernels read the part that they know. */
struct compat_xdp_umem_reg {
    uint64_t addr;
    uint64_t len;
    uint32_t chunk_size;
    uint32_t headroom;
    uint32_t flags;
    uint32_t tx_metadata_len;
};

/* What the kernel expects in the 'tx_metadata_len' bytes before a packet. */
struct compat_xsk_tx_metadata {
    uint64_t flags;
    uint16_t csum_start;        /* From the first byte of the packet. */
    uint16_t csum_offset;       /* From 'csum_start'. */
    uint8_t unused[12];         /* Launch time, or a time stamp from it. */
};

/* Checksum offload of Open vSwitch packets. */

/* Tells Open vSwitch that the sender of 'p' left the transport checksum
 * partial: it holds the sum of the pseudo-header only, and whoever sends the
 * packet out completes it over the bytes from 'start', at 'start' + 'offset'.
 * Takes effect when the packet is parsed. */
static inline void
compat_packet_set_csum_partial(struct dp_packet *p, uint16_t start,
                               uint16_t offset)
{
    p->csum_start = start;
    p->csum_offset = offset;
}

static inline void
compat_packet_clear_csum_partial(struct dp_packet *p)
{
    p->csum_start = 0;
    p->csum_offset = 0;
}

/* True if the sender of 'p' owes it a TCP or UDP checksum.  For a packet in a
 * tunnel that Open vSwitch itself has pushed, it is the inner one. */
static inline bool
compat_packet_tx_wants_csum(struct dp_packet *p)
{
    return dp_packet_hwol_l4_is_tcp(p) || dp_packet_hwol_l4_is_udp(p);
}

static inline bool
compat_packet_tx_is_tcp(struct dp_packet *p)
{
    return dp_packet_hwol_l4_is_tcp(p);
}

static inline bool
compat_packet_tx_is_ipv4(struct dp_packet *p)
{
    return dp_packet_hwol_is_ipv4(p);
}

static inline bool
compat_packet_tx_is_tunnel(struct dp_packet *p)
{
    return dp_packet_hwol_is_tunnel(p);
}

#endif /* ovs-compat.h */
