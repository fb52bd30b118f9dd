/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef OVS_COMPAT_H
#define OVS_COMPAT_H 1

/* Everything that differs between the releases of Open vSwitch that we build
 * against (3.5 and later) and between the kernel headers of the distributions
 * that we build on.  No other file tests a version of these; what depends on
 * DPDK's is where it is used. */

#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"
#include "flow.h"
#include "openvswitch/json.h"

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

/* Open vSwitch's libraries. */

#if OVS_VERSION_NUM < 306
static inline size_t
json_array_size(const struct json *array)
{
    return json_array(array)->n;
}

static inline const struct json *
json_array_at(const struct json *array, size_t i)
{
    return json_array(array)->elems[i];
}
#endif

/* Empties 'batch', whose packets have been sent or freed.  Since OVS 4.0 it
 * may have memory of its own, which dp_packet_batch_init() would forget. */
static inline void
compat_batch_clear(struct dp_packet_batch *batch)
{
    batch->count = 0;
    batch->trunc = false;
}

/* Checksum offload of Open vSwitch packets.
 *
 * OVS 3.5 keeps what a sender said of a checksum ('csum_start') apart from
 * what a packet needs as it leaves (DP_PACKET_OL_TX_*).  Since 3.6 there is
 * one state for each checksum, and a packet may be called partial only once
 * its headers have been parsed. */

/* Forgets what was known of the checksums of 'p', whose frame had another
 * packet before. */
static inline void
compat_packet_reset_offloads(struct dp_packet *p)
{
#if OVS_VERSION_NUM >= 306
    p->offloads = 0;
    dp_packet_set_tso_segsz(p, 0);
#else
    p->csum_start = 0;
    p->csum_offset = 0;
#endif
}

/* Tells Open vSwitch that the sender of 'p' left the checksum of the transport
 * header at 'start', of protocol 'proto' (TCP, UDP or SCTP), partial: the
 * field at 'start' + 'offset' holds the sum of the pseudo-header only, and
 * whoever sends the packet out completes it.
 *
 * Returns false if Open vSwitch itself finds no transport header at 'start',
 * as in a packet with more VLAN tags than it looks at: it would then not
 * complete the checksum, or even fail an assertion. */
static inline bool
compat_packet_set_csum_partial(struct dp_packet *p, uint8_t proto,
                               uint16_t start, uint16_t offset OVS_UNUSED)
{
    parse_tcp_flags(p, NULL, NULL, NULL);
    if (p->l4_ofs != start) {
        return false;
    }
#if OVS_VERSION_NUM >= 306
    if (!(proto == IPPROTO_TCP ? dp_packet_l4_proto_tcp(p)
          : proto == IPPROTO_UDP ? dp_packet_l4_proto_udp(p)
          : dp_packet_l4_proto_sctp(p))) {
        return false;
    }
    dp_packet_l4_checksum_set_partial(p);
#else
    /* Open vSwitch sets these itself as it extracts the packet's flow, but not
     * when it takes the shortcut for flows that match only on the port. */
    const uint8_t *l3 = dp_packet_l3(p);

    if (IP_VER(l3[0]) == 4) {
        dp_packet_hwol_set_tx_ipv4(p);
    } else {
        dp_packet_hwol_set_tx_ipv6(p);
    }
    if (proto == IPPROTO_TCP) {
        dp_packet_hwol_set_csum_tcp(p);
    } else if (proto == IPPROTO_UDP) {
        dp_packet_hwol_set_csum_udp(p);
    } else {
        dp_packet_hwol_set_csum_sctp(p);
    }
    dp_packet_ol_set_l4_csum_partial(p);
    p->csum_start = start;
    p->csum_offset = offset;
#endif
    return true;
}

/* If Open vSwitch leaves the TCP or UDP checksum of 'p' to the device, returns
 * IPPROTO_TCP or IPPROTO_UDP, otherwise 0.  '*inner' is set to true if it is
 * that of the packet inside a tunnel which Open vSwitch has pushed. */
static inline uint8_t
compat_packet_tx_csum_proto(struct dp_packet *p, bool *inner)
{
#if OVS_VERSION_NUM >= 306
    *inner = dp_packet_inner_l4_checksum_partial(p);
    if (*inner) {
        return (dp_packet_inner_l4_proto_tcp(p) ? IPPROTO_TCP
                : dp_packet_inner_l4_proto_udp(p) ? IPPROTO_UDP : 0);
    } else if (dp_packet_l4_checksum_partial(p)) {
        return (dp_packet_l4_proto_tcp(p) ? IPPROTO_TCP
                : dp_packet_l4_proto_udp(p) ? IPPROTO_UDP : 0);
    }
    return 0;
#else
    *inner = dp_packet_hwol_is_tunnel(p);
    return (dp_packet_hwol_l4_is_tcp(p) ? IPPROTO_TCP
            : dp_packet_hwol_l4_is_udp(p) ? IPPROTO_UDP : 0);
#endif
}

/* True if the TCP payload of 'p' is to be cut into segments before it leaves
 * by a device that cannot do that. */
static inline bool
compat_packet_is_tso(struct dp_packet *p)
{
#if OVS_VERSION_NUM >= 306
    return dp_packet_get_tso_segsz(p) != 0;
#else
    return dp_packet_hwol_is_tso(p);
#endif
}

/* Tells Open vSwitch that the TCP payload of 'p', whose checksum has been
 * called partial, is to be cut into segments of 'segsz' bytes. */
static inline void
compat_packet_set_tso(struct dp_packet *p, uint16_t segsz)
{
    dp_packet_set_tso_segsz(p, segsz);
#if OVS_VERSION_NUM < 306
    dp_packet_hwol_set_tcp_seg(p);
#endif
}

#endif /* ovs-compat.h */
