/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef XSK_SOCKET_H
#define XSK_SOCKET_H 1

/* One AF_XDP socket: one queue of one device, with its four rings and a UMEM
 * that covers all of a frame pool.
 *
 * Threads: the thread that polls the queue owns the rx and fill rings; any
 * thread may send, since a lock protects the tx and completion rings.  The
 * interfaces used here are those of the kernel's
 * Documentation/networking/af_xdp.rst and xsk-tx-metadata.rst. */

#include <stdbool.h>
#include <stdint.h>
#include <xdp/xsk.h>

#include "frame-pool.h"
#include "openvswitch/thread.h"
#include "ovs-atomic.h"

struct ds;

/* The most buffers that one packet may span: the kernel's linear part and
 * MAX_SKB_FRAGS fragments. */
#define XSK_MAX_SEGS 18

/* Sizes of rings, in descriptors; a power of two. */
#define XSK_MIN_DESCS 64
#define XSK_MAX_DESCS 16384

struct xsk_config {
    int ifindex;
    uint32_t queue_id;
    uint32_t n_rxq_desc;        /* Rx and fill rings. */
    uint32_t n_txq_desc;        /* Tx and completion rings. */
    bool zerocopy;              /* Insist on zero-copy; else insist on copy. */
    bool tx_csum;               /* Let kernel or device complete checksums. */
    bool rx_csum_partial;       /* Look for partial checksums. */
    const bool *rx_metadata;    /* Points to true once packets may have
                                 * struct xsk_rx_meta before them... */
    uint64_t rx_metadata_key;   /* ...with this key. */
};

/* What a socket counts.  X(IDENTIFIER, name).  The packets are counted in user
 * space; the last six are the kernel's struct xdp_statistics, in its order. */
#define XSK_COUNTERS                                                         \
    X(RX_PACKETS, "rx_packets")                                              \
    X(RX_BYTES, "rx_bytes")                                                  \
    X(RX_CSUM_PARTIAL, "rx_csum_partial")      /* Came with partial sum. */  \
    X(RX_VLAN_RESTORED, "rx_vlan_restored")    /* Tag put back. */           \
    X(RX_DROP_BAD_DESC, "rx_drop_bad_desc")    /* Not a frame we gave. */    \
    X(RX_DROP_OVERSIZE, "rx_drop_oversize")    /* Over XSK_MAX_SEGS. */      \
    X(RX_DROP_CLOSED, "rx_drop_closed")        /* Not read in time. */       \
    X(TX_PACKETS, "tx_packets")                                              \
    X(TX_BYTES, "tx_bytes")                                                  \
    X(TX_CSUM_OFFLOADED, "tx_csum_offloaded")  /* Left to kernel, device. */ \
    X(TX_COPIED, "tx_copied")                  /* Not in our frame pool. */  \
    X(TX_DROP_RING_FULL, "tx_drop_ring_full")                                \
    X(TX_DROP_NO_FRAME, "tx_drop_no_frame")    /* Frame pool is empty. */    \
    X(TX_DROP_OVERSIZE, "tx_drop_oversize")    /* Over the largest packet. */\
    X(TX_DROP_DEVICE, "tx_drop_device")        /* Driver refused it. */      \
    X(TX_DROP_CLOSED, "tx_drop_closed")        /* Not sent in time. */       \
    X(XDP_RX_DROPPED, "rx_dropped")                                          \
    X(XDP_RX_INVALID_DESCS, "rx_invalid_descs")                              \
    X(XDP_TX_INVALID_DESCS, "tx_invalid_descs")                              \
    X(XDP_RX_RING_FULL, "rx_ring_full")                                      \
    X(XDP_RX_FILL_RING_EMPTY_DESCS, "rx_fill_ring_empty_descs")              \
    X(XDP_TX_RING_EMPTY_DESCS, "tx_ring_empty_descs")

enum xsk_counter {
#define X(ID, NAME) XSK_##ID,
    XSK_COUNTERS
#undef X
    XSK_N_COUNTERS
};

struct xsk_stats {
    uint64_t n[XSK_N_COUNTERS];
};

struct xsk {
    /* Fixed while the socket is open. */
    int fd;
    uint16_t id;                        /* Mark in the pool's 'owners'. */
    struct xsk_config config;
    struct frame_pool *pool;
    bool zerocopy;                      /* In use. */
    bool multi_buffer;                  /* Packets may span frames. */
    bool tx_csum;                       /* Accepts checksum requests. */
    void *maps[4];                      /* Mapped rings: rx, tx, fill,
                                         * completion. */
    size_t map_sizes[4];

    /* The polling thread's. */
    struct xsk_ring_cons rx;
    struct xsk_ring_prod fill;
    uint32_t rx_outstanding;            /* Frames in these two rings. */
    struct dp_packet *rx_head;          /* Packet whose end is yet to come. */
    bool rx_skip;                       /* Drop the rest of a packet. */

    struct ovs_spin tx_lock;
    struct xsk_ring_prod tx OVS_GUARDED;
    struct xsk_ring_cons completion OVS_GUARDED;
    uint32_t tx_outstanding OVS_GUARDED; /* Frames in these two rings. */
    uint32_t tx_postponed OVS_GUARDED;  /* Not yet shown to the kernel. */
    uint32_t tx_polls OVS_GUARDED;      /* Polls since the first of these... */
    bool tx_added OVS_GUARDED;          /* ...and if any came since the last
                                         * poll. */
    uint32_t tx_drop_end OVS_GUARDED;   /* Index in 'tx' behind the last packet
                                         * that the device dropped. */
    atomic_bool tx_pending;             /* The kernel must be called again. */
    atomic_uint poller;                 /* Thread that polled last. */

    /* Each has one writer at a time: the polling thread, or who holds
     * 'tx_lock'.  Anyone may read. */
    atomic_uint64_t counters[XSK_N_COUNTERS];
    atomic_uint64_t tx_unsent_bytes;    /* Of packets counted as sent, and then
                                         * dropped in the end. */
};

const char *xsk_counter_name(enum xsk_counter);
uint32_t xsk_n_frames(const struct xsk_config *);

int xsk_open(const struct xsk_config *, struct frame_pool *, struct xsk **,
             char **errp);
void xsk_close(struct xsk *, struct xsk_stats *);

int xsk_recv(struct xsk *, struct dp_packet_batch *);
void xsk_send(struct xsk *, struct dp_packet_batch *);
void xsk_poll_tx(struct xsk *);
bool xsk_flush_tx(struct xsk *);
bool xsk_lost_device(const struct xsk *);

void xsk_add_stats(const struct xsk *, struct xsk_stats *);
void xsk_format(const struct xsk *, struct ds *);

#endif /* xsk/socket.h */
