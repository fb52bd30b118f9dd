/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Packets from a guest and to it. */

#include "vhost/device.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#include "dp-packet.h"
#include "frame-pool.h"
#include "netdev.h"
#include "ovs-compat.h"
#include "packets.h"
#include "partial-csum.h"
#include "util.h"

/* The smallest TCP segment that a guest may have its data cut into, in bytes;
 * what Linux itself sends at least (tcp_min_snd_mss).  A hostile guest would
 * otherwise get 64K packets made of one. */
#define MIN_TSO_SEGMENT 48

/* The largest packet that a guest may send, in bytes.  DPDK keeps the size of
 * a packet's memory, including the room in front, in 16 bits. */
#define MAX_PACKET (UINT16_MAX - RTE_PKTMBUF_HEADROOM)

/* Frames that a burst may take: enough for packets of that size, but no more,
 * whatever the guest's descriptors say.  librte_vhost leaves 128 bytes of a
 * frame unused. */
#define BURST_FRAMES (NETDEV_MAX_BURST                                      \
                      * DIV_ROUND_UP(MAX_PACKET,                            \
                                     FRAME_SIZE - RTE_PKTMBUF_HEADROOM))

/* What librte_vhost tells of a received packet. */
#define RX_FLAGS (RTE_MBUF_F_RX_L4_CKSUM_NONE | RTE_MBUF_F_RX_LRO)

#define F_HOST_TSO (VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO4)  \
                    | VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO6))

static inline void
vhost_count(struct vhost_queue *q, enum vhost_counter counter, uint64_t n)
    OVS_REQUIRES(q->lock)
{
    q->stats.n[counter] += n;
}

/* Receiving. */

/* Checks what the guest said of segmentation, after the checksum of 'packet'
 * has been called partial.  Nothing of it is trusted: Open vSwitch's
 * segmentation relies on a sound TCP header. */
static bool
vhost_rx_tso(struct dp_packet *packet, uint64_t features)
{
    uint16_t segsz = packet->mbuf.tso_segsz;
    const struct tcp_header *tcp = dp_packet_l4(packet);
    size_t size = dp_packet_l4_size(packet);
    bool inner;

    if (!(features & F_HOST_TSO) || segsz < MIN_TSO_SEGMENT
        || compat_packet_tx_csum_proto(packet, &inner) != IPPROTO_TCP
        || inner || !tcp) {
        return false;
    }

    size_t header = TCP_OFFSET(tcp->tcp_ctl) * 4;
    if (header < TCP_HEADER_LEN || header > size) {
        return false;
    }

    /* With less than two segments, there is nothing to cut. */
    if (size - header > segsz) {
        compat_packet_set_tso(packet, segsz);
    } else {
        dp_packet_set_tso_segsz(packet, 0);
    }
    return true;
}

/* Copies 'chain', a packet in several frames, to one in one piece, which Open
 * vSwitch wants, and frees it.  Returns that packet, or null if it would be
 * too large for any port, and was dropped. */
static struct dp_packet *
vhost_rx_join(struct vhost_queue *q, struct dp_packet *chain)
    OVS_REQUIRES(q->lock)
{
    uint32_t size = rte_pktmbuf_pkt_len(&chain->mbuf);
    struct dp_packet *packet = NULL;

    if (size <= MAX_PACKET) {
        packet = dp_packet_new_with_headroom(size, RTE_PKTMBUF_HEADROOM);
        for (const struct rte_mbuf *m = &chain->mbuf; m; m = m->next) {
            dp_packet_put(packet, rte_pktmbuf_mtod(m, const void *),
                          rte_pktmbuf_data_len(m));
        }
        packet->mbuf.ol_flags |= chain->mbuf.ol_flags & RX_FLAGS;
        packet->mbuf.tso_segsz = chain->mbuf.tso_segsz;
        vhost_count(q, VHOST_RX_LARGE, 1);
    } else {
        vhost_count(q, VHOST_RX_DROP_OVERSIZE, 1);
    }
    rte_pktmbuf_free(&chain->mbuf);
    return packet;
}

/* Makes what librte_vhost has put into 'packet' one of Open vSwitch's.
 * Returns it or the one that replaces it, or null if it was dropped. */
static inline struct dp_packet *
vhost_rx_packet(struct vhost_queue *q, struct dp_packet *packet)
    OVS_REQUIRES(q->lock)
{
    if (OVS_UNLIKELY(packet->mbuf.nb_segs > 1)) {
        packet = vhost_rx_join(q, packet);
        if (!packet) {
            return NULL;
        }
    }

    uint64_t flags = packet->mbuf.ol_flags;
    packet->mbuf.ol_flags = flags & RTE_MBUF_F_EXTERNAL;
    packet->packet_type = htonl(PT_ETH);
    dp_packet_reset_cutlen(packet);

    if (OVS_UNLIKELY(dp_packet_size(packet) < ETH_HEADER_LEN)) {
        vhost_count(q, VHOST_RX_DROP_SHORT, 1);
        dp_packet_delete(packet);
        return NULL;
    }

    uint16_t segsz = packet->mbuf.tso_segsz;
    compat_packet_reset_offloads(packet);
    if (flags & RX_FLAGS) {
        if (!(q->features & VHOST_F_BIT(VIRTIO_NET_F_CSUM))
            || !partial_csum_rx_told(packet)) {
            vhost_count(q, VHOST_RX_DROP_BAD_CSUM, 1);
            dp_packet_delete(packet);
            return NULL;
        }
        vhost_count(q, VHOST_RX_CSUM_PARTIAL, 1);
        if (flags & RTE_MBUF_F_RX_LRO) {
            packet->mbuf.tso_segsz = segsz;
            if (!vhost_rx_tso(packet, q->features)) {
                vhost_count(q, VHOST_RX_DROP_BAD_TSO, 1);
                dp_packet_delete(packet);
                return NULL;
            }
            vhost_count(q, VHOST_RX_TSO, 1);
        }
    }
    return packet;
}

/* Receives up to NETDEV_MAX_BURST packets into 'batch', an empty one, which
 * the caller then owns.  Returns 0 or EAGAIN. */
int
vhost_dev_recv(struct vhost_dev *dev, unsigned int qid,
               struct dp_packet_batch *batch)
{
    struct vhost_queue *q = &dev->rxqs[qid];
    struct rte_mbuf *mbufs[NETDEV_MAX_BURST];
    uint16_t before = 0, after = 0, used;
    uint64_t n_bytes = 0;
    bool up;

    atomic_read_relaxed(&dev->up, &up);
    ovs_spin_lock(&q->lock);
    if (OVS_UNLIKELY(q->vid < 0 || !up)) {
        ovs_spin_unlock(&q->lock);
        return EAGAIN;
    }

    rte_vhost_get_vring_base(q->vid, q->id, &before, &used);
    frame_pool_set_limit(BURST_FRAMES);
    uint16_t n = rte_vhost_dequeue_burst(q->vid, q->id, dev->pool->limited_mp,
                                         mbufs,
                                         MIN(NETDEV_MAX_BURST, q->size));
    for (uint16_t i = 0; i < n; i++) {
        struct dp_packet *packet;

        packet = vhost_rx_packet(q, CONTAINER_OF(mbufs[i], struct dp_packet,
                                                 mbuf));
        if (packet) {
            n_bytes += dp_packet_size(packet);
            dp_packet_batch_add(batch, packet);
        }
    }

    /* librte_vhost takes a bad chain of descriptors from the ring, or one that
     * it finds no frames for, then ends the burst. */
    if (n < NETDEV_MAX_BURST) {
        rte_vhost_get_vring_base(q->vid, q->id, &after, &used);
        uint16_t taken = after - before;
        bool ran_out = frame_pool_ran_out();

        /* A packed ring counts descriptors, of which a packet may have
         * several. */
        if (OVS_UNLIKELY(taken > n) && (!q->packed || !n || ran_out)) {
            vhost_count(q, ran_out ? VHOST_RX_DROP_NO_FRAME
                           : VHOST_RX_DROP_BAD_CHAIN,
                        q->packed ? 1 : taken - n);
        }
    }
    vhost_count(q, VHOST_RX_PACKETS, dp_packet_batch_size(batch));
    vhost_count(q, VHOST_RX_BYTES, n_bytes);
    ovs_spin_unlock(&q->lock);

    return dp_packet_batch_is_empty(batch) ? EAGAIN : 0;
}

/* Sending. */

/* Tells librte_vhost in the packet's mbuf which offloads it leaves to the
 * guest.  Completes a checksum that the guest cannot: it may just have
 * connected in place of one that could.  Returns false if the packet would
 * have to be segmented. */
static inline bool
vhost_tx_offloads(struct vhost_queue *q, struct dp_packet *packet)
    OVS_REQUIRES(q->lock)
{
    struct rte_mbuf *mbuf = &packet->mbuf;
    bool tso = compat_packet_is_tso(packet);
    uint64_t flags = mbuf->ol_flags & RTE_MBUF_F_EXTERNAL;
    struct partial_csum pc;

    if (OVS_LIKELY(!partial_csum_tx(packet, &pc))) {
        mbuf->ol_flags = flags;
        return !tso;
    }

    /* The places are told in 7 and 9 bits. */
    if (OVS_UNLIKELY(!(q->features & VHOST_F_BIT(VIRTIO_NET_F_GUEST_CSUM))
                     || pc.l3_ofs >= 1 << 7
                     || pc.start - pc.l3_ofs >= 1 << 9)) {
        partial_csum_complete(packet, &pc);
        mbuf->ol_flags = flags;
        return !tso;
    }
    mbuf->l2_len = pc.l3_ofs;
    mbuf->l3_len = pc.start - pc.l3_ofs;
    flags |= (pc.ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4)
             | (pc.proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM
                : RTE_MBUF_F_TX_UDP_CKSUM);

    if (tso) {
        const struct tcp_header *tcp = ALIGNED_CAST(
            const struct tcp_header *,
            (char *) dp_packet_data(packet) + pc.start);

        if (!(q->features & VHOST_F_BIT(pc.ipv6 ? VIRTIO_NET_F_GUEST_TSO6
                                        : VIRTIO_NET_F_GUEST_TSO4))) {
            return false;
        }
        mbuf->l4_len = TCP_OFFSET(tcp->tcp_ctl) * 4;
        mbuf->tso_segsz = dp_packet_get_tso_segsz(packet);
        flags |= RTE_MBUF_F_TX_TCP_SEG;
        vhost_count(q, VHOST_TX_TSO, 1);
    }
    vhost_count(q, VHOST_TX_CSUM_PARTIAL, 1);
    mbuf->ol_flags = flags;
    return true;
}

/* Has the cache fetch 'packet', which librte_vhost is going to read: whoever
 * received it has not looked at more than its headers. */
static inline void
vhost_prefetch(const struct dp_packet *packet)
{
    const char *data = dp_packet_data(packet);
    uint32_t size = MIN(dp_packet_size(packet), FRAME_DATA_ROOM);

    for (uint32_t ofs = CACHE_LINE_SIZE; ofs < size; ofs += CACHE_LINE_SIZE) {
        OVS_PREFETCH(data + ofs);
    }
}

/* Frees the 'n' packets at 'packets'. */
static void
vhost_free_packets(struct dp_packet **packets, unsigned int n)
{
    struct rte_mbuf *mbufs[NETDEV_MAX_BURST];
    unsigned int n_mbufs = 0;

    for (unsigned int i = 0; i < n; i++) {
        if (OVS_LIKELY(packets[i]->source == DPBUF_DPDK)) {
            mbufs[n_mbufs++] = &packets[i]->mbuf;
        } else {
            dp_packet_delete(packets[i]);
        }
    }
    rte_pktmbuf_free_bulk(mbufs, n_mbufs);
}

/* True unless the guest says that it has put more buffers in the ring than fit
 * in it.  librte_vhost would note them all in memory for as many as fit. */
static inline bool
vhost_ring_is_sound(const struct vhost_queue *q)
    OVS_REQUIRES(q->lock)
{
    return q->packed || rte_vhost_avail_entries(q->vid, q->id) <= q->size;
}

/* Gives the 'n_packets' at 'packets', at most NETDEV_MAX_BURST, to the guest.
 * They remain the caller's. */
static void
vhost_send_burst(struct vhost_dev *dev, struct vhost_queue *q,
                 struct dp_packet **packets, unsigned int n_packets)
    OVS_REQUIRES(q->lock)
{
    enum vhost_counter drop_reason = VHOST_TX_DROP_RING_FULL;
    struct rte_mbuf *mbufs[NETDEV_MAX_BURST];
    uint64_t n_bytes = 0;
    uint16_t n = 0, sent = 0;
    int mtu, retries = 0;

    atomic_read_relaxed(&dev->mtu, &mtu);
    for (unsigned int i = 0; i < n_packets; i++) {
        struct dp_packet *packet = packets[i];

        if (OVS_UNLIKELY(dp_packet_size(packet) > mtu + L2_OVERHEAD)
            && !compat_packet_is_tso(packet)) {
            vhost_count(q, VHOST_TX_DROP_OVERSIZE, 1);
        } else if (OVS_UNLIKELY(!vhost_tx_offloads(q, packet))) {
            vhost_count(q, VHOST_TX_DROP_OFFLOAD, 1);
        } else {
            vhost_prefetch(packet);
            mbufs[n++] = &packet->mbuf;
        }
    }

    while (n) {
        int max;

        if (OVS_UNLIKELY(!vhost_ring_is_sound(q))) {
            drop_reason = VHOST_TX_DROP_BAD_RING;
            break;
        }

        uint16_t taken = rte_vhost_enqueue_burst(q->vid, q->id, mbufs + sent,
                                                 n - sent);
        sent += taken;
        if (OVS_LIKELY(sent == n) || !taken) {
            break;
        }
        atomic_read_relaxed(&dev->tx_retries_max, &max);
        if (retries >= max) {
            break;
        }
        retries++;
    }

    for (uint16_t i = 0; i < sent; i++) {
        n_bytes += rte_pktmbuf_pkt_len(mbufs[i]);
    }
    vhost_count(q, VHOST_TX_PACKETS, sent);
    vhost_count(q, VHOST_TX_BYTES, n_bytes);
    vhost_count(q, drop_reason, n - sent);
    vhost_count(q, VHOST_TX_RETRIES, retries);
}

/* Sends the packets in 'batch' and frees them all.  Those that the guest has
 * no room for, after some retries, are dropped.  Any thread. */
void
vhost_dev_send(struct vhost_dev *dev, unsigned int qid,
               struct dp_packet_batch *batch)
{
    struct dp_packet **packets = batch->packets;
    size_t n = dp_packet_batch_size(batch);
    uint8_t mapped;
    bool up;

    atomic_read_relaxed(&dev->tx_map[qid % VHOST_MAX_QUEUE_PAIRS], &mapped);
    atomic_read_relaxed(&dev->up, &up);

    struct vhost_queue *q = &dev->txqs[mapped];
    ovs_spin_lock(&q->lock);
    if (OVS_UNLIKELY(q->vid < 0 || !up)) {
        vhost_count(q, VHOST_TX_DROP_NO_GUEST, n);
    } else {
        for (size_t i = 0; i < n; i += NETDEV_MAX_BURST) {
            vhost_send_burst(dev, q, packets + i,
                             MIN(n - i, NETDEV_MAX_BURST));
        }
    }
    ovs_spin_unlock(&q->lock);

    for (size_t i = 0; i < n; i += NETDEV_MAX_BURST) {
        vhost_free_packets(packets + i, MIN(n - i, NETDEV_MAX_BURST));
    }
    compat_batch_clear(batch);
}
