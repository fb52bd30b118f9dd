/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Receiving from an AF_XDP socket, in the order of a packet's way: a frame for
 * it, the frame that comes back with it, what is known of it besides its
 * bytes. */

#include "xsk/socket.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "coverage.h"
#include "dp-packet.h"
#include "netdev.h"
#include "ovs-compat.h"
#include "packets.h"
#include "partial-csum.h"
#include "util.h"
#include "xsk/rings.h"
#include "xsk/rx-meta.h"

COVERAGE_DEFINE(xsk_fill_postponed);

BUILD_ASSERT_DECL(NETDEV_MAX_BURST <= 32);      /* One bit for each. */

/* Gives the kernel free frames to receive into, a burst at a time, up to
 * 'n_rxq_desc' together with those that it has filled and we have not read.
 * More would not let more packets wait, since that is what the rx ring holds;
 * it would only take memory. */
void
xsk_refill(struct xsk *xsk)
{
    struct frame_pool *pool = xsk->pool;
    struct dp_packet *buffer[NETDEV_MAX_BURST];
    uint16_t *owners = pool->owners;
    const char *base = pool->base;
    uint16_t id = xsk->id;

    while (xsk->rx_outstanding + NETDEV_MAX_BURST <= xsk->config.n_rxq_desc) {
        struct dp_packet **packets = frame_pool_get_in_place(
            pool, buffer, NETDEV_MAX_BURST);
        uint64_t *addrs = xsk->fill.ring;

        if (!packets) {
            COVERAGE_INC(xsk_fill_postponed);
            break;
        }

        /* Whole bursts never go over the end of the ring, and their size is
         * fixed: the loop can be unrolled. */
        addrs += xsk->fill.cached_prod & xsk->fill.mask;
#pragma GCC unroll 8
        for (int i = 0; i < NETDEV_MAX_BURST; i++) {
            uint64_t addr = (char *) dp_packet_base(packets[i]) - base;

            frame_pool_set_owner(owners, frame_pool_index(addr), id);
            addrs[i] = addr;
        }
        xsk->fill.cached_prod += NETDEV_MAX_BURST;
        xsk_ring_prod__submit(&xsk->fill, NETDEV_MAX_BURST);
        xsk->rx_outstanding += NETDEV_MAX_BURST;
    }
}

/* Applies what the XDP program has put in front of 'packet', if anything. */
static void
xsk_read_rx_meta(struct xsk *xsk, struct dp_packet *packet)
{
    char *place = (char *) dp_packet_data(packet) - sizeof(struct xsk_rx_meta);
    struct xsk_rx_meta meta;

    memcpy(&meta, place, sizeof meta);
    if (meta.key != xsk->config.rx_metadata_key) {
        return;
    }
    memset(place, 0, sizeof meta);
    if (meta.hash) {
        dp_packet_set_rss_hash(packet, meta.hash);
    }
    if (meta.vlan_proto) {
        eth_push_vlan(packet, (OVS_FORCE ovs_be16) meta.vlan_proto,
                      htons(meta.vlan_tci));
        xsk_count(xsk, XSK_RX_VLAN_RESTORED, 1);
    }
}

/* Appends the frame 'segment' to the packet that is being put together from
 * several.  Returns it if this was the last, otherwise null.  Open vSwitch
 * wants a packet in one piece, hence the copy. */
static struct dp_packet *
xsk_append_segment(struct xsk *xsk, struct dp_packet *segment, bool last)
{
    size_t size = dp_packet_size(segment);

    if (!xsk->rx_head && !xsk->rx_skip) {
        /* The first.  It alone has metadata, maybe a restored tag. */
        xsk->rx_head = dp_packet_new_with_headroom(
            XSK_MAX_SEGS * FRAME_DATA_ROOM, FRAME_HEADROOM);
        if (dp_packet_rss_valid(segment)) {
            dp_packet_set_rss_hash(xsk->rx_head,
                                   dp_packet_get_rss_hash(segment));
        }
    }
    if (xsk->rx_head) {
        if (dp_packet_tailroom(xsk->rx_head) >= size) {
            dp_packet_put(xsk->rx_head, dp_packet_data(segment), size);
        } else {
            dp_packet_delete(xsk->rx_head);
            xsk->rx_head = NULL;
            xsk->rx_skip = true;
            xsk_count(xsk, XSK_RX_DROP_OVERSIZE, 1);
        }
    }
    dp_packet_delete(segment);
    if (!last) {
        return NULL;
    }

    struct dp_packet *packet = xsk->rx_head;
    xsk->rx_head = NULL;
    xsk->rx_skip = false;
    return packet;
}

/* Takes the 'n' frames that 'descs' name from the kernel, and stores their
 * packets in 'packets'; null for what the kernel did not have.  Adds up their
 * bytes in '*n_bytes'.  Returns true if each is all of a packet. */
static __attribute__((noinline)) bool
xsk_take_frames(struct xsk *xsk, const struct xdp_desc *descs, uint32_t n,
                struct dp_packet **packets, uint64_t *n_bytes)
{
    const struct frame_pool *pool = xsk->pool;
    struct dp_packet **all = pool->packets;
    uint16_t *owners = pool->owners;
    uint32_t n_frames = pool->n_frames;
    const char *base = pool->base;
    uint16_t id = xsk->id;
    uint32_t options = 0;
    uint64_t max_end = 0;
    uint64_t size = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc desc = descs[i];
        uint64_t index = frame_pool_index(desc.addr);
        uint32_t ofs = desc.addr % FRAME_SIZE;

        if (OVS_UNLIKELY(index >= n_frames
                         || !frame_pool_is_owner(owners, index, id))) {
            packets[i] = NULL;
            max_end = UINT64_MAX;
            continue;
        }
        frame_pool_set_owner(owners, index, 0);

        struct dp_packet *packet = all[index];

        /* Another core has just written the packet, and it will be looked
         * at. */
        OVS_PREFETCH(base + desc.addr);
        packets[i] = packet;
        packet->mbuf.ol_flags = RTE_MBUF_F_EXTERNAL;
        packet->mbuf.data_off = ofs;
        packet->mbuf.data_len = desc.len;
        packet->mbuf.pkt_len = desc.len;
        packet->packet_type = htonl(PT_ETH);
        dp_packet_reset_cutlen(packet);
        compat_packet_reset_offloads(packet);
        max_end = MAX(max_end, (uint64_t) ofs + desc.len);
        options |= desc.options;
        size += desc.len;
    }
    *n_bytes += size;
    return max_end <= FRAME_SIZE && !(options & XDP_PKT_CONTD);
}

/* Returns a bit for each of the 'n' packets that 'descs' name, set if its
 * checksum may be partial. */
static __attribute__((noinline)) uint32_t
xsk_find_suspects(const struct xsk *xsk, const struct xdp_desc *descs,
                  uint32_t n)
{
    const char *base = xsk->pool->base;
    uint32_t suspects = 0;

    for (uint32_t i = 0; i < n; i++) {
        if (OVS_UNLIKELY(!partial_csum_is_unlikely(base + descs[i].addr))) {
            suspects |= 1U << i;
        }
    }
    return suspects;
}

/* Examines those packets of 'batch' whose bit is set in 'suspects'.  Returns
 * the number of those whose checksum is partial. */
static unsigned int
xsk_examine_suspects(struct dp_packet_batch *batch, uint32_t suspects)
{
    struct dp_packet *packet;
    unsigned int n = 0;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (suspects & (1U << i)) {
            n += partial_csum_rx(packet);
        }
    }
    return n;
}

/* Makes packets of the frames in 'batch', which 'descs' have named, where that
 * takes more than a look: leaves out those that are null or said to hold more
 * than they can, applies metadata, joins what spans frames.  Adds up the bytes
 * in '*n_bytes'.  Returns what xsk_find_suspects() does, for the batch as it
 * is then, or 0 if partial checksums are not looked for. */
static uint32_t
xsk_sort_out(struct xsk *xsk, const struct xdp_desc *descs, bool metadata,
             struct dp_packet_batch *batch, uint64_t *n_bytes)
{
    size_t n = dp_packet_batch_size(batch);
    uint32_t suspects = 0;

    compat_batch_clear(batch);
    for (size_t i = 0; i < n; i++) {
        struct dp_packet *packet = batch->packets[i];
        bool more = descs[i].options & XDP_PKT_CONTD;
        bool in_parts = xsk->rx_head || xsk->rx_skip;

        if (!packet
            || packet->mbuf.pkt_len > FRAME_SIZE - packet->mbuf.data_off) {
            xsk_count(xsk, XSK_RX_DROP_BAD_DESC, 1);
            dp_packet_delete(packet);
            if (more || in_parts) {
                dp_packet_delete(xsk->rx_head);
                xsk->rx_head = NULL;
                xsk->rx_skip = more;
            }
            continue;
        }
        if (metadata && !in_parts) {
            xsk_read_rx_meta(xsk, packet);
        }
        if (more || in_parts) {
            packet = xsk_append_segment(xsk, packet, !more);
        }
        if (packet) {
            if (xsk->config.rx_csum_partial
                && !partial_csum_is_unlikely(dp_packet_data(packet))) {
                suspects |= 1U << dp_packet_batch_size(batch);
            }
            *n_bytes += dp_packet_size(packet);
            dp_packet_batch_add(batch, packet);
        }
    }
    return suspects;
}

/* Receives up to a burst of packets into the empty 'batch', for the caller to
 * own.  Polling thread only.  Returns 0, or EAGAIN if there is none. */
int
xsk_recv(struct xsk *xsk, struct dp_packet_batch *batch)
{
    uint32_t idx;
    uint32_t n = xsk_ring_peek(&xsk->rx, &idx);

    if (!n) {
        xsk_refill(xsk);
        if (xsk_ring_prod__needs_wakeup(&xsk->fill)) {
            recvfrom(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
        }
        return EAGAIN;
    }

    const struct xdp_desc *descs = xsk_ring_cons__rx_desc(&xsk->rx, idx);
    bool metadata = __atomic_load_n(xsk->config.rx_metadata, __ATOMIC_RELAXED);
    uint32_t suspects = 0;
    uint64_t n_bytes = 0;

    batch->count = n;
    if (OVS_UNLIKELY(!xsk_take_frames(xsk, descs, n, batch->packets, &n_bytes)
                     || metadata || xsk->rx_head || xsk->rx_skip)) {
        n_bytes = 0;
        suspects = xsk_sort_out(xsk, descs, metadata, batch, &n_bytes);
    } else if (xsk->config.rx_csum_partial) {
        suspects = xsk_find_suspects(xsk, descs, n);
    }
    xsk_ring_cons__release(&xsk->rx, n);
    xsk->rx_outstanding -= n;
    xsk_refill(xsk);

    if (suspects) {
        xsk_count(xsk, XSK_RX_CSUM_PARTIAL,
                  xsk_examine_suspects(batch, suspects));
    }
    xsk_count(xsk, XSK_RX_PACKETS, dp_packet_batch_size(batch));
    xsk_count(xsk, XSK_RX_BYTES, n_bytes);
    return dp_packet_batch_is_empty(batch) ? EAGAIN : 0;
}
