/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_DEVICE_H
#define VHOST_DEVICE_H 1

/* One vhost-user device: a Unix domain socket, the guest that is connected to
 * it, and the guest's queues.
 *
 * DPDK's librte_vhost speaks the protocol, in a thread of its own, and copies
 * packets from and to the guest's memory.  A received packet lands in a frame
 * of the pool that AF_XDP sockets send from; a sent one is read from where it
 * is, whoever allocated it.
 *
 * A queue is named from the switch's point of view: an rx queue is one that
 * the guest transmits on.
 *
 * Locks, outermost first: 'vid_mutex', 'mutex' or a queue's lock, of which no
 * thread has both.  librte_vhost calls us back with its own locks of the rings
 * held, and takes them when it is called with a queue's lock held.  So those
 * callbacks take only 'mutex', and nothing calls librte_vhost, or waits for a
 * queue, with that.  'vid_mutex' is taken in the two callbacks that are made
 * without locks: for a device that begins and for one that ends. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/list.h"
#include "openvswitch/thread.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "vhost/messages.h"

struct dp_packet_batch;
struct ds;
struct frame_pool;
struct netdev;
struct netdev_custom_stats;
struct smap;
struct vhost_broker_port;
struct vhost_socket_access;

/* As many as librte_vhost allows. */
#define VHOST_MAX_QUEUE_PAIRS 128

/* A feature bit by its number, VIRTIO_NET_F_* and the like. */
#define VHOST_F_BIT(BIT) (UINT64_C(1) << (BIT))

/* Counters of a device, since its port was made. */
#define VHOST_COUNTERS                                                       \
    X(RX_PACKETS, "rx_packets")                                              \
    X(RX_BYTES, "rx_bytes")                                                  \
    X(RX_CSUM_PARTIAL, "rx_csum_partial")      /* Came with partial sum. */  \
    X(RX_TSO, "rx_tso")                        /* Larger than a segment. */  \
    X(RX_LARGE, "rx_large")                    /* Did not fit in a frame. */ \
    X(RX_DROP_SHORT, "rx_drop_short")          /* No Ethernet header. */     \
    X(RX_DROP_BAD_CSUM, "rx_drop_bad_csum")    /* Nothing to complete. */    \
    X(RX_DROP_BAD_TSO, "rx_drop_bad_tso")      /* Not to be cut as asked. */ \
    X(RX_DROP_BAD_CHAIN, "rx_drop_bad_chain")  /* Refused by DPDK. */        \
    X(RX_DROP_OVERSIZE, "rx_drop_oversize")    /* Over MAX_PACKET. */        \
    X(RX_DROP_NO_FRAME, "rx_drop_no_frame")    /* No room for all of it. */  \
    X(TX_PACKETS, "tx_packets")                                              \
    X(TX_BYTES, "tx_bytes")                                                  \
    X(TX_CSUM_PARTIAL, "tx_csum_partial")      /* Left to the guest. */      \
    X(TX_TSO, "tx_tso")                                                      \
    X(TX_RETRIES, "tx_retries")                                              \
    X(TX_DROP_RING_FULL, "tx_drop_ring_full")  /* Guest takes too few. */    \
    X(TX_DROP_BAD_RING, "tx_drop_bad_ring")    /* Guest's index is wrong. */ \
    X(TX_DROP_NO_GUEST, "tx_drop_no_guest")    /* Not connected, not up. */  \
    X(TX_DROP_OVERSIZE, "tx_drop_oversize")    /* Over the MTU. */           \
    X(TX_DROP_OFFLOAD, "tx_drop_offload")      /* Guest cannot do it. */

enum vhost_counter {
#define X(ID, NAME) VHOST_##ID,
    VHOST_COUNTERS
#undef X
    VHOST_N_COUNTERS
};

struct vhost_stats {
    uint64_t n[VHOST_N_COUNTERS];
};


/* What may change while a guest is connected.  'features' and
 * 'max_queue_pairs' then hold for the next connection. */
struct vhost_config {
    uint64_t features;          /* May be offered, if DPDK has them. */
    int max_queue_pairs;
    int tx_retries_max;
};

/* One direction of a queue pair. */
struct vhost_queue {
    struct ovs_spin lock __attribute__((aligned(CACHE_LINE_SIZE)));

    /* All protected by 'lock'. */
    int vid;                    /* librte_vhost's handle, or -1. */
    uint16_t id;                /* The virtqueue's number. */
    uint16_t size;              /* Its descriptors. */
    bool packed;
    uint64_t features;          /* That the guest has negotiated. */
    struct vhost_stats stats;
};

struct vhost_dev {
    struct ovs_list list_node;  /* In the list of devices. */
    struct netdev *netdev;      /* To tell of changes. */
    char *path;                 /* Of the guest's socket. */
    char *backend_path;         /* Of librte_vhost's, by which it calls... */
    bool registered;            /* ...the device, if this is true. */
    int backend;                /* O_PATH descriptor of that socket, or -1. */
    struct vhost_broker_port *broker_port;
    uint64_t supported;         /* Features that DPDK has. */
    uint64_t protocol_offered;  /* Protocol features. */

    atomic_int tx_retries_max;
    atomic_int mtu;
    atomic_bool up;             /* Administratively. */

    struct vhost_queue *rxqs;   /* VHOST_MAX_QUEUE_PAIRS of each. */
    struct vhost_queue *txqs;
    struct frame_pool *pool;    /* Changes only while no thread receives. */

    /* Held while queues get a guest or lose it.  Protects 'vid'. */
    struct ovs_mutex vid_mutex;
    int vid;                    /* Of a guest ready for packets, or -1. */

    struct ovs_mutex mutex;

    /* All protected by 'mutex'. */
    struct vhost_config config;
    bool connected;             /* A guest is. */
    char *waiting;              /* Why none could be reached, or null. */
    int conn_vid;               /* librte_vhost's for the connection, or -1. */
    bool ready;                 /* The guest is ready for packets... */
    bool running;               /* ...and they flow. */
    uint64_t offered;           /* Features, at the time of connecting. */
    uint64_t negotiated;
    int numa_id;                /* Of the guest's memory, or -1. */
    int n_pairs;                /* Queue pairs that the guest has... */
    int run_pairs;              /* ...and of the last vhost_dev_run()... */
    uint64_t run_features;      /* ...with these features... */
    int run_numa_id;            /* ...and that node. */
    uint16_t run_sizes[VHOST_MAX_RINGS];    /* Of the rings that run, or 0. */
    int max_pairs;              /* At the time of connecting. */
    bool rx_enabled[VHOST_MAX_QUEUE_PAIRS];
    bool tx_enabled[VHOST_MAX_QUEUE_PAIRS];
    unsigned int n_connections; /* So far. */
    unsigned int n_disconnections;
    unsigned int n_refused;     /* Since another was open. */
    unsigned int n_bad_messages;
    struct vhost_messages said; /* Of the connection. */

    /* For a number of a tx queue that the guest may not have enabled, the
     * number of one that it has.  Written under 'mutex'. */
    atomic_uint8_t tx_map[VHOST_MAX_QUEUE_PAIRS];
};

int vhost_dev_open(struct netdev *, const char *path,
                   const struct vhost_socket_access *, uint64_t flags,
                   const struct vhost_config *, struct vhost_dev **,
                   char **errp);
void vhost_dev_close(struct vhost_dev *, struct vhost_stats *);
void vhost_dev_set_config(struct vhost_dev *, const struct vhost_config *);

/* What a connected guest wants of its port. */
struct vhost_wants {
    int n_pairs;
    int numa_id;                /* -1: any. */
    uint64_t features;          /* 0 without a guest. */
};

bool vhost_dev_get_wants(struct vhost_dev *, struct vhost_wants *);
void vhost_dev_run(struct vhost_dev *, struct frame_pool *);
void vhost_dev_forget_run(struct vhost_dev *);
void vhost_dev_pause(struct vhost_dev *);
bool vhost_dev_rxq_enabled(const struct vhost_dev *, unsigned int qid);
bool vhost_dev_is_running(struct vhost_dev *);
unsigned int vhost_dev_carrier_resets(struct vhost_dev *);
uint64_t vhost_dev_offer(const struct vhost_dev *dev)
    OVS_REQUIRES(dev->mutex);

/* lib/vhost/data.c: packets. */
int vhost_dev_recv(struct vhost_dev *, unsigned int qid,
                   struct dp_packet_batch *);
void vhost_dev_send(struct vhost_dev *, unsigned int qid,
                    struct dp_packet_batch *);

/* lib/vhost/report.c: counters and status. */
const char *vhost_counter_name(enum vhost_counter);
void vhost_features_format(uint64_t features, struct ds *);
uint64_t vhost_rx_errors(const struct vhost_stats *);
uint64_t vhost_rx_dropped(const struct vhost_stats *);
uint64_t vhost_tx_dropped(const struct vhost_stats *);
void vhost_dev_add_stats(struct vhost_dev *, struct vhost_stats *);
void vhost_dev_add_vring_stats(struct vhost_dev *,
                               struct netdev_custom_stats *);
void vhost_dev_get_status(struct vhost_dev *, struct smap *);

#endif /* vhost/device.h */
