/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Sending to an AF_XDP socket: packets become descriptors of its transmit
 * ring, the kernel is called, and their frames come back. */

#include "xsk/socket.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include "coverage.h"
#include "dp-packet.h"
#include "netdev.h"
#include "ovs-compat.h"
#include "ovs-thread.h"
#include "partial-csum.h"
#include "util.h"
#include "xsk/rings.h"

COVERAGE_DEFINE(xsk_tx_again);

/* The number of polls for which packets may wait. */
#define TX_POLLS 8

/* Gives the frames of the packets that have been sent back to the pool. */
void
xsk_reap_completions(struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    struct frame_pool *pool = xsk->pool;
    struct dp_packet *buffer[NETDEV_MAX_BURST];
    struct dp_packet **all = pool->packets;
    uint16_t *owners = pool->owners;
    uint32_t n_frames = pool->n_frames;
    uint16_t id = xsk->id;
    uint32_t idx, n;

    while ((n = xsk_ring_peek(&xsk->completion, &idx))) {
        const __u64 *addrs = xsk_ring_cons__comp_addr(&xsk->completion, idx);
        struct dp_packet **packets = frame_pool_put_place(pool, buffer, n);
        size_t n_packets = 0;

        for (uint32_t i = 0; i < n; i++) {
            uint64_t index = frame_pool_index(addrs[i]);

            if (OVS_LIKELY(index < n_frames
                           && frame_pool_is_owner(owners, index, id))) {
                frame_pool_set_owner(owners, index, 0);
                packets[n_packets++] = all[index];
            }
        }
        xsk_ring_cons__release(&xsk->completion, n);
        frame_pool_put_in_place(pool, packets, buffer, n_packets);
        xsk->tx_outstanding -= n_packets;
    }
}

/* Counts a packet that the device has dropped as it was to be sent, and its
 * bytes.  The kernel showed 'before' that call, and shows 'after' it, which
 * descriptors it has taken.  If it had sent another packet first, it shows
 * progress, up to and with the dropped one; otherwise none, and that was the
 * next of them. */
static void
xsk_count_device_drop(struct xsk *xsk, uint32_t before, uint32_t after)
    OVS_REQUIRES(xsk->tx_lock)
{
    const struct xdp_desc *descs = xsk->tx.ring;
    uint32_t mask = xsk->tx.mask;
    uint32_t idx = after;
    uint64_t n_bytes = 0;

    if (after != before) {
        do {
            idx--;
        } while (idx != before
                 && descs[(idx - 1) & mask].options & XDP_PKT_CONTD);
    } else if ((int32_t) (xsk->tx_drop_end - after) > 0) {
        /* Those that were dropped before it are not shown, either. */
        idx = xsk->tx_drop_end;
    }
    for (bool more = true; more && idx != xsk->tx.cached_prod; idx++) {
        n_bytes += descs[idx & mask].len;
        more = descs[idx & mask].options & XDP_PKT_CONTD;
    }
    xsk->tx_drop_end = idx;
    xsk_count(xsk, XSK_TX_DROP_DEVICE, 1);
    xsk_count_unsent_bytes(xsk, n_bytes);
}

/* Makes the kernel send what is in the tx ring.
 *
 * In copy mode each call sends a limited number of packets and then says
 * EAGAIN; ENOBUFS and a second EAGAIN without progress mean that the device
 * takes no more for now.  EBUSY means that the device has dropped a packet,
 * which the kernel shows as progress only once it has sent another.  Other
 * errors mean that the device is down or gone: what is in the ring stays there
 * until something is sent again. */
static void
xsk_kick(struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    uint32_t before = __atomic_load_n(xsk->tx.consumer, __ATOMIC_RELAXED);
    uint32_t last_left = UINT32_MAX;
    bool pending = false;

    while (xsk_ring_prod__needs_wakeup(&xsk->tx)) {
        if (sendto(xsk->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0) {
            break;
        }

        int error = errno;
        uint32_t consumer = __atomic_load_n(xsk->tx.consumer,
                                            __ATOMIC_ACQUIRE);
        uint32_t left = xsk->tx.cached_prod - consumer;

        if (error == EBUSY) {
            xsk_count_device_drop(xsk, before, consumer);
        } else if (error == EAGAIN) {
            COVERAGE_INC(xsk_tx_again);
        }
        if ((error != EAGAIN && error != EBUSY && error != ENOBUFS) || !left) {
            break;
        } else if (error == ENOBUFS || left == last_left) {
            pending = true;
            break;
        }
        last_left = left;
        before = consumer;
        xsk_reap_completions(xsk);
    }
    xsk->tx_postponed = 0;
    xsk->tx_polls = 0;
    atomic_store_relaxed(&xsk->tx_pending, pending);
}

/* Open vSwitch has left the checksum of 'packet', of protocol 'proto' and that
 * of the packet inside if 'inner', to the device.  Makes it partial and
 * returns true with '*meta' filled in, which the caller puts in front of the
 * packet's first frame.  The kernel wants the checksum to be in that frame: if
 * it is behind, it is completed, since the packet would stay in the ring
 * forever, and all others with it. */
static inline bool
xsk_tx_metadata(const struct xsk *xsk, struct dp_packet *packet, uint8_t proto,
                bool inner, struct compat_xsk_tx_metadata *meta)
{
    struct partial_csum pc;

    if (!xsk->tx_csum || !partial_csum_tx_proto(packet, proto, inner, &pc)) {
        return false;
    }
    if (OVS_UNLIKELY(pc.start + pc.offset + sizeof(ovs_be16)
                     > FRAME_DATA_ROOM)) {
        partial_csum_complete(packet, &pc);
        return false;
    }
    meta->flags = XDP_TXMD_FLAGS_CHECKSUM;
    meta->csum_start = pc.start;
    meta->csum_offset = pc.offset;
    return true;
}

/* What it takes to fill descriptors of a socket's tx ring.  A loop can keep
 * this in registers, while any store might have changed a member of the socket
 * or its pool. */
struct xsk_tx_ring {
    const struct rte_mempool *mp;
    const char *base;
    uint16_t *owners;
    uint16_t id;
    struct xdp_desc *descs;
    uint32_t mask;
};

static inline struct xsk_tx_ring
xsk_tx_ring(const struct xsk *xsk)
    OVS_REQUIRES(xsk->tx_lock)
{
    return (struct xsk_tx_ring) {
        .mp = xsk->pool->mp,
        .base = xsk->pool->base,
        .owners = xsk->pool->owners,
        .id = xsk->id,
        .descs = xsk->tx.ring,
        .mask = xsk->tx.mask,
    };
}

/* Makes 'frame', of 'len' bytes, the descriptor 'desc' of the tx ring, with
 * 'meta' in front of it unless that is null. */
static inline void
xsk_put_frame(const struct xsk_tx_ring *tx, struct xdp_desc *desc,
              const struct dp_packet *frame, uint32_t len, uint32_t options,
              const struct compat_xsk_tx_metadata *meta)
{
    char *data = (char *) frame->mbuf.buf_addr + frame->mbuf.data_off;
    uint64_t addr = data - tx->base;

    if (OVS_UNLIKELY(meta)) {
        memcpy(data - TX_METADATA_LEN, meta, TX_METADATA_LEN);
        options |= XDP_TX_METADATA;
    }
    frame_pool_set_owner(tx->owners, frame_pool_index(addr), tx->id);
    desc->addr = addr;
    desc->len = len;
    desc->options = options;
}

/* Copies 'packet', which lives elsewhere, into as many frames as it takes, and
 * makes these descriptors of the tx ring, from 'idx' on and before 'end'.
 * 'packet' stays the caller's.  Returns the number of frames, 0 if the packet
 * was dropped. */
static __attribute__((noinline)) unsigned int
xsk_put_copy(struct xsk *xsk, const struct xsk_tx_ring *tx, uint32_t idx,
             uint32_t end, struct dp_packet *packet)
    OVS_REQUIRES(xsk->tx_lock)
{
    struct dp_packet *frames[XSK_MAX_SEGS];
    struct compat_xsk_tx_metadata meta;
    const char *data = dp_packet_data(packet);
    size_t size = dp_packet_size(packet);
    unsigned int n = MAX(1, DIV_ROUND_UP(size, FRAME_DATA_ROOM));

    if (n > (xsk->multi_buffer ? XSK_MAX_SEGS : 1)) {
        xsk_count(xsk, XSK_TX_DROP_OVERSIZE, 1);
        return 0;
    } else if (n > end - idx) {
        xsk_count(xsk, XSK_TX_DROP_RING_FULL, 1);
        return 0;
    } else if (!frame_pool_get(xsk->pool, frames, n)) {
        xsk_count(xsk, XSK_TX_DROP_NO_FRAME, 1);
        return 0;
    }

    bool inner;
    uint8_t proto = compat_packet_tx_csum_proto(packet, &inner);
    bool csum = proto && xsk_tx_metadata(xsk, packet, proto, inner, &meta);
    for (unsigned int i = 0; i < n; i++) {
        struct dp_packet *frame = frames[i];
        size_t len = MIN(size, FRAME_DATA_ROOM);

        frame->mbuf.data_off = FRAME_HEADROOM;
        dp_packet_set_size(frame, len);
        memcpy(dp_packet_data(frame), data, len);
        xsk_put_frame(tx, &tx->descs[(idx + i) & tx->mask], frame, len,
                      i + 1 < n ? XDP_PKT_CONTD : 0,
                      csum && !i ? &meta : NULL);
        data += len;
        size -= len;
    }
    xsk_count(xsk, XSK_TX_COPIED, 1);
    xsk_count(xsk, XSK_TX_CSUM_OFFLOADED, csum);
    return n;
}

/* Frames that may wait in the tx ring, less than this. */
static inline uint32_t
postpone_limit(const struct xsk *xsk)
{
    return MIN(TX_BUDGET, xsk->config.n_txq_desc / 2);
}

/* Calls the kernel for the 'n' frames that were just put into the tx ring, or
 * lets them wait for more: if this thread also polls the socket, xsk_poll_tx()
 * will soon see to them.  Few packets do not wait: a thread that has few may
 * go to sleep before it polls again (other_config:pmd-sleep-max). */
static inline void
xsk_kick_or_postpone(struct xsk *xsk, uint32_t n)
    OVS_REQUIRES(xsk->tx_lock)
{
    unsigned int poller;

    if (xsk->tx_postponed && !xsk->tx_polls
        && xsk->tx_postponed + n >= postpone_limit(xsk)) {
        /* None of these frames was followed by a poll.  The poller may have
         * been given other queues; if not, its next poll tells. */
        atomic_store_relaxed(&xsk->poller, OVSTHREAD_ID_UNSET);
    }
    xsk->tx_postponed += n;
    atomic_read_relaxed(&xsk->poller, &poller);
    if (n >= NETDEV_MAX_BURST / 2 && poller == ovsthread_id_self()
        && xsk->tx_postponed < postpone_limit(xsk)) {
        xsk->tx_added = true;
        atomic_store_relaxed(&xsk->tx_pending, true);
    } else {
        xsk_kick(xsk);
    }
}

/* True if 'packet' lives in the socket's frame pool, so that it may go out
 * from where it is.  A frame begins where its packet's buffer does, so
 * 'data_off' is the headroom. */
static inline bool
xsk_is_own(const struct xsk_tx_ring *tx, const struct dp_packet *packet)
{
    return (frame_pool_owns(tx->mp, packet)
            && packet->mbuf.data_off >= TX_METADATA_LEN);
}

/* True if, moreover, 'packet' needs nothing done to it. */
static inline bool
xsk_is_plain(const struct xsk_tx_ring *tx, struct dp_packet *packet)
{
    bool inner;

    return (xsk_is_own(tx, packet)
            && !compat_packet_tx_csum_proto(packet, &inner));
}

/* Makes the first of the 'n' packets at 'packets', up to one that is not
 * plain, descriptors of the tx ring, from 'idx' on, where there is room for
 * 'n', but none beyond the end of the ring's memory.  Returns their number and
 * adds their bytes to '*n_bytes'. */
static __attribute__((noinline)) uint32_t
xsk_put_plain(const struct xsk_tx_ring *tx_, uint32_t idx,
              struct dp_packet **packets, uint32_t n, uint64_t *n_bytes)
{
    const struct xsk_tx_ring tx = *tx_;
    struct xdp_desc *desc = &tx.descs[idx & tx.mask];
    uint64_t size = 0;
    uint32_t i;

    n = MIN(n, tx.mask + 1 - (idx & tx.mask));
    for (i = 0; i < n && OVS_LIKELY(xsk_is_plain(&tx, packets[i])); i++) {
        size += dp_packet_size(packets[i]);
        xsk_put_frame(&tx, desc++, packets[i], dp_packet_size(packets[i]), 0,
                      NULL);
    }
    *n_bytes += size;
    return i;
}

/* Sends the packets of 'batch', which become the socket's whether it can or
 * not.  A packet in the socket's frame pool goes out from where it is.  Any
 * thread. */
void
xsk_send(struct xsk *xsk, struct dp_packet_batch *batch)
{
    struct dp_packet **packets = batch->packets;
    uint32_t n = dp_packet_batch_size(batch);
    uint64_t n_sent = 0;
    uint64_t n_bytes = 0;
    uint64_t n_csum = 0;

    ovs_spin_lock(&xsk->tx_lock);
    xsk_reap_completions(xsk);

    const struct xsk_tx_ring tx = xsk_tx_ring(xsk);
    uint32_t idx = xsk->tx.cached_prod;
    uint32_t end = idx + xsk->config.n_txq_desc - xsk->tx_outstanding;
    for (uint32_t i = 0; i < n; ) {
        struct dp_packet *packet = packets[i];
        uint32_t size = dp_packet_size(packet);
        uint32_t n_descs = 0;
        uint8_t proto;
        bool inner;

        if (!xsk_is_own(&tx, packet)) {
            n_descs = xsk_put_copy(xsk, &tx, idx, end, packet);
            dp_packet_delete(packet);
        } else if (idx == end) {
            xsk_count(xsk, XSK_TX_DROP_RING_FULL, 1);
            dp_packet_delete(packet);
        } else if (!(proto = compat_packet_tx_csum_proto(packet, &inner))) {
            uint32_t n_plain = xsk_put_plain(&tx, idx, &packets[i],
                                             MIN(n - i, end - idx), &n_bytes);

            i += n_plain;
            idx += n_plain;
            n_sent += n_plain;
            continue;
        } else {
            struct compat_xsk_tx_metadata meta;
            bool csum = xsk_tx_metadata(xsk, packet, proto, inner, &meta);

            xsk_put_frame(&tx, &tx.descs[idx & tx.mask], packet, size, 0,
                          csum ? &meta : NULL);
            n_csum += csum;
            n_descs = 1;
        }
        i++;
        idx += n_descs;
        if (n_descs) {
            n_sent++;
            n_bytes += size;
        }
    }

    uint32_t n_descs = idx - xsk->tx.cached_prod;

    xsk->tx.cached_prod = idx;
    xsk_ring_prod__submit(&xsk->tx, n_descs);
    xsk->tx_outstanding += n_descs;
    xsk_count(xsk, XSK_TX_PACKETS, n_sent);
    xsk_count(xsk, XSK_TX_BYTES, n_bytes);
    xsk_count(xsk, XSK_TX_CSUM_OFFLOADED, n_csum);
    xsk_kick_or_postpone(xsk, n_descs);
    ovs_spin_unlock(&xsk->tx_lock);

    compat_batch_clear(batch);
}

/* Sends what xsk_send() has left in the tx ring, unless more has come since
 * the last call, in which case that may wait for still more, but not for long.
 * Polling thread only; to be called before each xsk_recv(). */
void
xsk_poll_tx(struct xsk *xsk)
{
    bool pending;

    atomic_store_relaxed(&xsk->poller, ovsthread_id_self());
    atomic_read_relaxed(&xsk->tx_pending, &pending);
    if (pending) {
        ovs_spin_lock(&xsk->tx_lock);
        if (!xsk->tx_added || ++xsk->tx_polls >= TX_POLLS) {
            xsk_reap_completions(xsk);
            xsk_kick(xsk);
        }
        xsk->tx_added = false;
        ovs_spin_unlock(&xsk->tx_lock);
    }
}

/* Sends what xsk_send() has left in the tx ring.  Returns true if the device
 * does not take all of it for now.  Any thread. */
bool
xsk_flush_tx(struct xsk *xsk)
{
    bool pending;

    atomic_read_relaxed(&xsk->tx_pending, &pending);
    if (pending) {
        ovs_spin_lock(&xsk->tx_lock);
        xsk_reap_completions(xsk);
        xsk_kick(xsk);
        ovs_spin_unlock(&xsk->tx_lock);
        atomic_read_relaxed(&xsk->tx_pending, &pending);
    }
    return pending;
}
