/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost-dev.h"

#include <errno.h>
#include <limits.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#include "dp-packet.h"
#include "frame-pool.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "ovs-compat.h"
#include "packets.h"
#include "smap.h"
#include "partial-csum.h"
#include "util.h"
#include "vhost-call.h"
#include "vhost-memory.h"
#include "vhost-socket.h"

VLOG_DEFINE_THIS_MODULE(vhost_dev);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 20);

/* The smallest TCP segment that a guest may have its data cut into, in bytes;
 * what Linux itself sends at least (tcp_min_snd_mss).  A hostile guest would
 * otherwise get 64K packets made of one. */
#define MIN_TSO_SEGMENT 48

/* The size of an Ethernet header with two VLAN tags, which the MTU does not
 * count. */
#define L2_OVERHEAD (ETH_HEADER_LEN + 2 * VLAN_HEADER_LEN)

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

/* How long a guest may take for the second half of a message, in ms.  All
 * guests wait meanwhile. */
#define MESSAGE_TIMEOUT_MS 100

/* Feature bit of packed virtqueues; see "Reserved Feature Bits" in the virtio
 * specification. */
#define F_RING_PACKED 34

#define F_HOST_TSO (VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO4)  \
                    | VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO6))
#define F_GUEST_TSO (VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO4)  \
                     | VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO6))

static struct ovs_mutex devs_mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list devs OVS_GUARDED_BY(devs_mutex)
    = OVS_LIST_INITIALIZER(&devs);

const char *
vhost_counter_name(enum vhost_counter counter)
{
    static const char *names[] = {
#define X(ID, NAME) [VHOST_##ID] = NAME,
        VHOST_COUNTERS
#undef X
    };

    return names[counter];
}

static inline void
vhost_count(struct vhost_queue *q, enum vhost_counter counter, uint64_t n)
    OVS_REQUIRES(q->lock)
{
    q->stats.n[counter] += n;
}

/* Appends the names of 'features', separated by spaces. */
static void
vhost_features_format(uint64_t features, struct ds *s)
{
    static const char *const names[64] = {
        [0] = "csum", [1] = "guest-csum", [2] = "ctrl-guest-offloads",
        [3] = "mtu", [5] = "mac", [6] = "gso", [7] = "guest-tso4",
        [8] = "guest-tso6", [9] = "guest-ecn", [10] = "guest-ufo",
        [11] = "host-tso4", [12] = "host-tso6", [13] = "host-ecn",
        [14] = "host-ufo", [15] = "mrg-rxbuf", [16] = "status",
        [17] = "ctrl-vq", [18] = "ctrl-rx", [19] = "ctrl-vlan",
        [21] = "guest-announce", [22] = "mq", [23] = "ctrl-mac-addr",
        [26] = "log-all", [27] = "any-layout", [28] = "indirect-desc",
        [29] = "event-idx", [30] = "protocol-features", [32] = "version-1",
        [33] = "iommu-platform", [34] = "ring-packed", [35] = "in-order",
        [36] = "order-platform", [54] = "guest-uso4", [55] = "guest-uso6",
        [56] = "host-uso",
    };
    size_t start = s->length;

    for (int bit = 0; bit < 64; bit++) {
        if (features & VHOST_F_BIT(bit)) {
            ds_put_cstr(s, s->length > start ? " " : "");
            if (names[bit]) {
                ds_put_cstr(s, names[bit]);
            } else {
                ds_put_format(s, "bit-%d", bit);
            }
        }
    }
}

/* Connections.  These are librte_vhost's callbacks, in its own thread or, for
 * a connection that we make or end, in the main thread. */

/* Returns the device of connection 'vid', or null.  It stays: a device goes
 * from the list only when librte_vhost knows it no more. */
static struct vhost_dev *
vhost_dev_lookup(int vid)
    OVS_EXCLUDED(devs_mutex)
{
    struct vhost_dev *dev, *found = NULL;
    char path[PATH_MAX];

    if (!rte_vhost_get_ifname(vid, path, sizeof path)) {
        ovs_mutex_lock(&devs_mutex);
        LIST_FOR_EACH (dev, list_node, &devs) {
            if (!strcmp(dev->path, path)) {
                found = dev;
                break;
            }
        }
        ovs_mutex_unlock(&devs_mutex);
    }
    return found;
}

/* Makes 'message' the answer to itself, with one number. */
static enum rte_vhost_msg_result
vhost_message_answer(struct vhost_message *message, uint64_t value)
{
    memcpy(message->payload, &value, sizeof value);
    message->size = sizeof value;
    return RTE_VHOST_MSG_RESULT_REPLY;
}

/* Looks at a message of the guest before librte_vhost does.  Answers two
 * questions itself: which features there are, which vhost_new_connection() may
 * not tell librte_vhost, and the number of queue pairs, for which DPDK 22.11
 * always gives its own limit.  librte_vhost holds the locks of all rings. */
static enum rte_vhost_msg_result
vhost_pre_message(int vid, void *message_)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);
    struct vhost_message *message = message_;

    if (!dev) {
        return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
    }

    const char *reason;

    ovs_mutex_lock(&dev->mutex);
    if (dev->conn_vid != vid) {
        reason = "another connection has taken its place";
    } else if (!vhost_socket_is_writable(dev->conn_fd)) {
        reason = "the answers to others have not been read";
    } else {
        reason = vhost_filter_check(&dev->filter, message);
    }
    uint64_t offered = dev->offered;
    uint64_t max_pairs = dev->max_pairs;
    if (reason) {
        dev->n_bad_messages++;
        netdev_change_seq_changed(dev->netdev);
    }
    ovs_mutex_unlock(&dev->mutex);

    if (reason) {
        VLOG_WARN_RL(&rl, "%s: message %"PRIu32" of the guest was refused, "
                     "since %s; the guest is disconnected",
                     netdev_get_name(dev->netdev), message->request, reason);
        vhost_message_refuse(message);
        return RTE_VHOST_MSG_RESULT_ERR;
    }
    if (message->request == VHOST_USER_GET_FEATURES) {
        return vhost_message_answer(message, offered);
    } else if (message->request == VHOST_USER_RESET_OWNER) {
        /* Deprecated, and optional for us.  librte_vhost would forget the
         * features and what it has allocated for the rings. */
        return RTE_VHOST_MSG_RESULT_OK;
    } else if (message->request == VHOST_USER_GET_QUEUE_NUM
               && max_pairs != VHOST_MAX_QUEUE_PAIRS) {
        return vhost_message_answer(message, max_pairs);
    }
    return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

/* Called once librte_vhost has acted on a message, unless it has failed: then
 * it ends the connection. */
static enum rte_vhost_msg_result
vhost_post_message(int vid, void *message)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);

    if (dev) {
        ovs_mutex_lock(&dev->mutex);
        if (dev->conn_vid == vid) {
            vhost_filter_done(&dev->filter, message);
        }
        ovs_mutex_unlock(&dev->mutex);
    }
    return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static const struct rte_vhost_user_extern_ops extern_ops = {
    .pre_msg_handle = vhost_pre_message,
    .post_msg_handle = vhost_post_message,
};

/* The features that the next guest is offered. */
static uint64_t
vhost_dev_offer(const struct vhost_dev *dev)
    OVS_REQUIRES(dev->mutex)
{
    uint64_t features = dev->supported & dev->config.features;

    return (dev->config.max_queue_pairs > 1 ? features
            : features & ~VHOST_F_BIT(VIRTIO_NET_F_MQ));
}

/* Called by librte_vhost with a mutex held that rte_vhost_driver_unregister(),
 * for one, takes after another: so no function of that kind may be called. */
static int
vhost_new_connection(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);
    bool refused = false;

    if (!dev) {
        return -1;
    }

    ovs_mutex_lock(&dev->mutex);
    int old_fd = dev->conn_fd;
    if (dev->conn_vid >= 0 && !vhost_socket_is_closed(old_fd)) {
        refused = true;
        dev->n_refused++;
    } else {
        /* librte_vhost may not have noticed yet that the last guest went. */
        dev->n_disconnections += dev->conn_vid >= 0;
        dev->conn_fd = -1;
        dev->conn_vid = vid;
        dev->n_connections++;
        dev->offered = vhost_dev_offer(dev);
        dev->n_pairs = 0;
        dev->max_pairs = dev->config.max_queue_pairs;
        vhost_filter_init(&dev->filter, dev->offered, dev->protocol_offered,
                          dev->max_pairs);
        memset(dev->rx_enabled, 0, sizeof dev->rx_enabled);
        memset(dev->tx_enabled, 0, sizeof dev->tx_enabled);
    }
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);

    if (refused) {
        VLOG_WARN_RL(&rl, "%s: a second guest on %s was turned away",
                     netdev_get_name(dev->netdev), dev->path);
    } else {
        rte_vhost_extern_callback_register(vid, &extern_ops, NULL);

        int fd = vhost_socket_set_timeout(dev->path, MESSAGE_TIMEOUT_MS,
                                          old_fd);
        ovs_mutex_lock(&dev->mutex);
        dev->conn_fd = fd;
        ovs_mutex_unlock(&dev->mutex);
    }
    return refused ? -1 : 0;
}

static void
vhost_destroy_connection(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);

    if (dev) {
        ovs_mutex_lock(&dev->mutex);
        if (dev->conn_vid == vid) {
            dev->conn_vid = dev->conn_fd = -1;
            dev->n_disconnections++;
            netdev_change_seq_changed(dev->netdev);
        }
        ovs_mutex_unlock(&dev->mutex);
    }
}

/* Chooses for each tx queue one that the guest has enabled. */
static void
vhost_map_txqs(struct vhost_dev *dev)
    OVS_REQUIRES(dev->mutex)
{
    uint8_t enabled[VHOST_MAX_QUEUE_PAIRS];
    int n = 0;

    for (int i = 0; i < dev->n_pairs; i++) {
        if (dev->tx_enabled[i]) {
            enabled[n++] = i;
        }
    }

    /* A guest that never says what it enables means the first. */
    if (!n) {
        enabled[n++] = 0;
    }
    for (int i = 0; i < VHOST_MAX_QUEUE_PAIRS; i++) {
        atomic_store_relaxed(&dev->tx_map[i], enabled[i % n]);
    }
}

/* The most queue pairs that the guest may use. */
static int
vhost_dev_max_pairs(const struct vhost_dev *dev)
    OVS_REQUIRES(dev->mutex)
{
    /* Without the feature, librte_vhost frees rings beyond the first two at
     * any time. */
    return (dev->filter.features & VHOST_F_BIT(VIRTIO_NET_F_MQ)
            ? dev->max_pairs : 1);
}

static int
vhost_vring_state_changed(int vid, uint16_t ring, int enable)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);
    int pair = ring / 2;

    if (!dev) {
        return -1;
    }

    ovs_mutex_lock(&dev->mutex);
    if (dev->conn_vid == vid && pair < vhost_dev_max_pairs(dev)) {
        (ring & 1 ? dev->rx_enabled : dev->tx_enabled)[pair] = enable;
        if (enable) {
            dev->n_pairs = MAX(dev->n_pairs, pair + 1);
            if (dev->ready && !dev->run_sizes[ring]) {
                netdev_request_reconfigure(dev->netdev);
            }
        }
        vhost_map_txqs(dev);
        netdev_change_seq_changed(dev->netdev);
    }
    ovs_mutex_unlock(&dev->mutex);

    VLOG_DBG("%s: virtqueue %d %s", netdev_get_name(dev->netdev), ring,
             enable ? "enabled" : "disabled");
    return 0;
}

/* Makes the rings whose size in 'sizes' is not 0 those of guest 'vid', which
 * has negotiated 'features', and all others nobody's. */
static void
vhost_dev_set_queues(struct vhost_dev *dev, int vid,
                     const uint16_t sizes[VHOST_MAX_RINGS], uint64_t features)
    OVS_REQUIRES(dev->vid_mutex)
    OVS_EXCLUDED(dev->mutex)
{
    for (int i = 0; i < VHOST_MAX_RINGS; i++) {
        struct vhost_queue *q = (i & 1 ? dev->rxqs : dev->txqs) + i / 2;

        ovs_spin_lock(&q->lock);
        q->vid = sizes[i] ? vid : -1;
        q->size = sizes[i];
        q->features = features;
        q->packed = features & VHOST_F_BIT(F_RING_PACKED);
        ovs_spin_unlock(&q->lock);
    }
}

static void
vhost_dev_pause__(struct vhost_dev *dev)
    OVS_REQUIRES(dev->vid_mutex)
    OVS_EXCLUDED(dev->mutex)
{
    static const uint16_t no_rings[VHOST_MAX_RINGS];

    ovs_mutex_lock(&dev->mutex);
    dev->running = false;
    memset(dev->run_sizes, 0, sizeof dev->run_sizes);
    ovs_mutex_unlock(&dev->mutex);
    vhost_dev_set_queues(dev, -1, no_rings, 0);
}

/* Requires that a guest is ready. */
static void
vhost_dev_run__(struct vhost_dev *dev)
    OVS_REQUIRES(dev->vid_mutex)
    OVS_EXCLUDED(dev->mutex)
{
    uint16_t sizes[VHOST_MAX_RINGS] = { 0 };

    ovs_mutex_lock(&dev->mutex);
    int n_pairs = MAX(dev->n_pairs, 1);
    uint64_t features = dev->negotiated;
    dev->run_pairs = n_pairs;
    dev->run_features = features;
    dev->run_numa_id = dev->numa_id;

    /* Of the rings that have been started, which keep their size until all are
     * taken away in vhost_destroy_device().  librte_vhost has sizes for others,
     * too, but may not have memory for them. */
    for (int i = 0; i < 2 * n_pairs && dev->conn_vid == dev->vid; i++) {
        sizes[i] = dev->filter.started[i] ? dev->filter.sizes[i] : 0;
    }
    memcpy(dev->run_sizes, sizes, sizeof dev->run_sizes);
    ovs_mutex_unlock(&dev->mutex);

    vhost_dev_set_queues(dev, dev->vid, sizes, features);

    ovs_mutex_lock(&dev->mutex);
    dev->running = true;
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
}

/* The guest's first queue pair is ready.  Packets flow once the port has been
 * reconfigured for this guest, or at once if it is like the last one. */
static int
vhost_new_device(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);
    uint64_t features = 0;

    if (!dev) {
        return -1;
    }

    rte_vhost_get_negotiated_features(vid, &features);
    int n_pairs = MIN(rte_vhost_get_vring_num(vid) / 2,
                      VHOST_MAX_QUEUE_PAIRS);
    int numa_id = rte_vhost_get_numa_node(vid);
    for (int i = 0; i < 2 * n_pairs; i++) {
        rte_vhost_enable_guest_notification(vid, i, 0);
    }

    ovs_mutex_lock(&dev->vid_mutex);
    if (dev->vid >= 0) {
        /* The end of the last guest has not been reported yet. */
        vhost_dev_pause__(dev);
    }
    dev->vid = vid;
    ovs_mutex_lock(&dev->mutex);
    dev->ready = true;
    dev->negotiated = features;
    dev->numa_id = numa_id;
    dev->n_pairs = MIN(MAX(n_pairs, dev->n_pairs), vhost_dev_max_pairs(dev));
    vhost_map_txqs(dev);
    bool like_last = (dev->n_pairs == dev->run_pairs
                      && dev->negotiated == dev->run_features
                      && dev->numa_id == dev->run_numa_id);
    ovs_mutex_unlock(&dev->mutex);
    if (like_last) {
        vhost_dev_run__(dev);
    } else {
        netdev_request_reconfigure(dev->netdev);
    }
    ovs_mutex_unlock(&dev->vid_mutex);

    struct ds s = DS_EMPTY_INITIALIZER;
    vhost_features_format(features, &s);
    VLOG_INFO("%s: guest connected, %d queue pair(s), features %s",
              netdev_get_name(dev->netdev), n_pairs, ds_cstr(&s));
    ds_destroy(&s);
    return 0;
}

/* The guest's rings are about to go.  No thread uses them any more when this
 * returns. */
static void
vhost_destroy_device(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);

    if (dev) {
        ovs_mutex_lock(&dev->vid_mutex);
        if (dev->vid == vid) {
            vhost_dev_pause__(dev);
            dev->vid = -1;
            ovs_mutex_lock(&dev->mutex);
            dev->ready = false;
            dev->negotiated = 0;
            netdev_change_seq_changed(dev->netdev);
            ovs_mutex_unlock(&dev->mutex);
        }
        ovs_mutex_unlock(&dev->vid_mutex);
        VLOG_INFO("%s: guest disconnected", netdev_get_name(dev->netdev));
    }
}

static const struct rte_vhost_device_ops device_ops = {
    .new_connection = vhost_new_connection,
    .destroy_connection = vhost_destroy_connection,
    .new_device = vhost_new_device,
    .destroy_device = vhost_destroy_device,
    .vring_state_changed = vhost_vring_state_changed,
};

/* Life cycle. */

/* Makes 'config' that of 'dev'.  A guest that is connected keeps the features
 * and the number of queues that it has: it may well ask for them again, as it
 * boots anew.  Main thread. */
void
vhost_dev_set_config(struct vhost_dev *dev, const struct vhost_config *config)
{
    ovs_mutex_lock(&dev->mutex);
    dev->config = *config;
    ovs_mutex_unlock(&dev->mutex);
    atomic_store_relaxed(&dev->tx_retries_max, config->tx_retries_max);
}

/* Makes a device for 'netdev' on the socket 'path', which we connect to if
 * 'client' is true, and keep trying to, and otherwise create.  'flags' are
 * further RTE_VHOST_USER_* of librte_vhost.  Packets are not received before
 * vhost_dev_run().
 *
 * Returns 0 with '*devp' set, for the caller to vhost_dev_close(), or a
 * positive errno value with '*errp' set to a message for the caller to free.
 * Main thread only, without locks: it may call 'netdev' back.  DPDK must have
 * been started, see eal_start(). */
int
vhost_dev_open(struct netdev *netdev, const char *path, bool client,
               uint64_t flags, const struct vhost_config *config,
               struct vhost_dev **devp, char **errp)
{
    vhost_memory_init();
    vhost_call_init();

    /* librte_vhost would take it for a failure to allocate. */
    ovs_mutex_lock(&devs_mutex);
    struct vhost_dev *other;
    LIST_FOR_EACH (other, list_node, &devs) {
        if (!strcmp(other->path, path)) {
            *errp = xasprintf("%s is in use by port %s", path,
                              netdev_get_name(other->netdev));
            ovs_mutex_unlock(&devs_mutex);
            return EADDRINUSE;
        }
    }
    ovs_mutex_unlock(&devs_mutex);

    struct vhost_dev *dev = xzalloc(sizeof *dev);
    dev->netdev = netdev;
    dev->config = *config;
    dev->path = xstrdup(path);
    dev->client = client;
    dev->vid = dev->conn_vid = dev->conn_fd = -1;
    dev->numa_id = -1;
    dev->rxqs = xzalloc_cacheline(VHOST_MAX_QUEUE_PAIRS
                                  * sizeof *dev->rxqs);
    dev->txqs = xzalloc_cacheline(VHOST_MAX_QUEUE_PAIRS
                                  * sizeof *dev->txqs);
    for (int i = 0; i < VHOST_MAX_QUEUE_PAIRS; i++) {
        ovs_spin_init(&dev->rxqs[i].lock);
        ovs_spin_init(&dev->txqs[i].lock);
        dev->txqs[i].id = 2 * i;
        dev->rxqs[i].id = 2 * i + 1;
        dev->txqs[i].vid = dev->rxqs[i].vid = -1;
        atomic_init(&dev->tx_map[i], 0);
    }
    ovs_mutex_init(&dev->vid_mutex);
    ovs_mutex_init(&dev->mutex);
    atomic_init(&dev->tx_retries_max, config->tx_retries_max);
    atomic_init(&dev->mtu, ETH_PAYLOAD_MAX);
    atomic_init(&dev->up, false);
    ovs_mutex_lock(&devs_mutex);
    ovs_list_push_back(&devs, &dev->list_node);
    ovs_mutex_unlock(&devs_mutex);

    if (client) {
        vhost_socket_set_client(path, true);
    }

    /* librte_vhost could also put a large packet into a buffer of its own,
     * with RTE_VHOST_USER_EXTBUF_SUPPORT.  But there a guest can overflow its
     * heap, with descriptors whose lengths add up to 2**32 or more (seen with
     * DPDK 22.11, and 24.11 has the same code).
     *
     * It parses a header with offloads itself and tells of them in the flags
     * for received packets, which are checked once more. */
    flags |= (client ? RTE_VHOST_USER_CLIENT : 0)
             | RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
    if (rte_vhost_driver_register(path, flags)) {
        *errp = xasprintf("DPDK refuses %s; the log has its reason", path);
        goto error;
    }
    rte_vhost_driver_get_features(path, &dev->supported);
    if (!rte_vhost_driver_get_protocol_features(path,
                                                &dev->protocol_offered)) {
        dev->protocol_offered &= VHOST_PROTOCOL_FEATURES;
        rte_vhost_driver_set_protocol_features(path, dev->protocol_offered);
    }
    if (rte_vhost_driver_callback_register(path, &device_ops)
        || rte_vhost_driver_start(path)) {
        *errp = xasprintf("DPDK cannot %s %s; the log has its reason",
                          client ? "connect to" : "listen on", path);
        goto error;
    }
    *devp = dev;
    return 0;

error:
    vhost_dev_close(dev, NULL);
    return EINVAL;
}

/* Closes 'dev' and its connection.  Adds its counters to '*stats', if that is
 * not null.  Main thread only, without locks that a callback may take. */
void
vhost_dev_close(struct vhost_dev *dev, struct vhost_stats *stats)
{
    if (!dev) {
        return;
    }

    rte_vhost_driver_unregister(dev->path);
    if (dev->client) {
        vhost_socket_set_client(dev->path, false);
    }

    ovs_mutex_lock(&devs_mutex);
    ovs_list_remove(&dev->list_node);
    ovs_mutex_unlock(&devs_mutex);

    if (stats) {
        vhost_dev_add_stats(dev, stats);
    }
    for (int i = 0; i < VHOST_MAX_QUEUE_PAIRS; i++) {
        ovs_spin_destroy(&dev->rxqs[i].lock);
        ovs_spin_destroy(&dev->txqs[i].lock);
    }
    ovs_mutex_destroy(&dev->vid_mutex);
    ovs_mutex_destroy(&dev->mutex);
    free_cacheline(dev->rxqs);
    free_cacheline(dev->txqs);
    free(dev->path);
    free(dev);
}

/* Fills in '*wants'.  Returns true if a guest is ready. */
bool
vhost_dev_get_wants(struct vhost_dev *dev, struct vhost_wants *wants)
{
    ovs_mutex_lock(&dev->mutex);
    bool ready = dev->ready;
    wants->n_pairs = ready ? MAX(dev->n_pairs, 1) : 0;
    wants->numa_id = dev->numa_id;
    wants->features = dev->negotiated;
    ovs_mutex_unlock(&dev->mutex);
    return ready;
}

/* Lets the packets of the guest flow, if one is ready.  They are received into
 * 'pool'.  Main thread, while no other receives. */
void
vhost_dev_run(struct vhost_dev *dev, struct frame_pool *pool)
{
    dev->pool = pool;
    ovs_mutex_lock(&dev->vid_mutex);
    if (dev->vid >= 0) {
        vhost_dev_run__(dev);
    }
    ovs_mutex_unlock(&dev->vid_mutex);
}

/* Has the port be reconfigured also for a next guest that is like the present
 * one: that does not have all that it wants. */
void
vhost_dev_forget_run(struct vhost_dev *dev)
{
    ovs_mutex_lock(&dev->mutex);
    dev->run_numa_id = INT_MIN;         /* No guest has this. */
    ovs_mutex_unlock(&dev->mutex);
}

/* Stops the flow of packets until vhost_dev_run(). */
void
vhost_dev_pause(struct vhost_dev *dev)
{
    ovs_mutex_lock(&dev->vid_mutex);
    vhost_dev_pause__(dev);
    ovs_mutex_unlock(&dev->vid_mutex);
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

/* True if receiving from queue 'qid' is of use.  Any thread. */
bool
vhost_dev_rxq_enabled(const struct vhost_dev *dev_, unsigned int qid)
{
    struct vhost_dev *dev = CONST_CAST(struct vhost_dev *, dev_);

    ovs_mutex_lock(&dev->mutex);
    bool enabled = dev->running && (dev->rx_enabled[qid] || !qid);
    ovs_mutex_unlock(&dev->mutex);
    return enabled;
}

static void
vhost_queue_add_stats(struct vhost_queue *q, struct vhost_stats *stats)
{
    ovs_spin_lock(&q->lock);
    for (int i = 0; i < VHOST_N_COUNTERS; i++) {
        stats->n[i] += q->stats.n[i];
    }
    ovs_spin_unlock(&q->lock);
}

/* Adds the counters of 'dev' to '*stats'. */
void
vhost_dev_add_stats(struct vhost_dev *dev, struct vhost_stats *stats)
{
    for (int i = 0; i < VHOST_MAX_QUEUE_PAIRS; i++) {
        vhost_queue_add_stats(&dev->rxqs[i], stats);
        vhost_queue_add_stats(&dev->txqs[i], stats);
    }
}

/* The packets from the guest that were dropped for being malformed. */
uint64_t
vhost_rx_errors(const struct vhost_stats *stats)
{
    return (stats->n[VHOST_RX_DROP_SHORT] + stats->n[VHOST_RX_DROP_BAD_CSUM]
            + stats->n[VHOST_RX_DROP_BAD_TSO]
            + stats->n[VHOST_RX_DROP_BAD_CHAIN]);
}

/* All packets from the guest that were dropped. */
uint64_t
vhost_rx_dropped(const struct vhost_stats *stats)
{
    return (vhost_rx_errors(stats) + stats->n[VHOST_RX_DROP_OVERSIZE]
            + stats->n[VHOST_RX_DROP_NO_FRAME]);
}

/* All packets for the guest that were dropped. */
uint64_t
vhost_tx_dropped(const struct vhost_stats *stats)
{
    return (stats->n[VHOST_TX_DROP_RING_FULL]
            + stats->n[VHOST_TX_DROP_BAD_RING]
            + stats->n[VHOST_TX_DROP_NO_GUEST]
            + stats->n[VHOST_TX_DROP_OVERSIZE]
            + stats->n[VHOST_TX_DROP_OFFLOAD]);
}

/* True if a guest is connected and its packets flow. */
bool
vhost_dev_is_running(struct vhost_dev *dev)
{
    ovs_mutex_lock(&dev->mutex);
    bool running = dev->running;
    ovs_mutex_unlock(&dev->mutex);
    return running;
}

/* Returns how often a guest has come or gone. */
unsigned int
vhost_dev_carrier_resets(struct vhost_dev *dev)
{
    ovs_mutex_lock(&dev->mutex);
    unsigned int n = dev->n_connections + dev->n_disconnections;
    ovs_mutex_unlock(&dev->mutex);
    return n;
}

static void
add_ring_counter(struct netdev_custom_stats *stats, const char *direction,
                 int queue, const char *name, uint64_t value)
{
    struct netdev_custom_counter *c = &stats->counters[stats->size++];

    snprintf(c->name, sizeof c->name, "%s_q%d_%s", direction, queue, name);
    c->value = value;
}

/* Appends counters of each queue that the port has.  librte_vhost could count
 * more, but takes time for each packet to sort it by size and destination. */
void
vhost_dev_add_vring_stats(struct vhost_dev *dev,
                          struct netdev_custom_stats *stats)
{
    ovs_mutex_lock(&dev->mutex);
    int n_pairs = dev->run_pairs;
    ovs_mutex_unlock(&dev->mutex);

    stats->counters = xrealloc(stats->counters,
                               (stats->size + 6 * n_pairs)
                               * sizeof *stats->counters);
    for (int i = 0; i < n_pairs; i++) {
        struct vhost_stats rx = { .n = { 0 } };
        struct vhost_stats tx = { .n = { 0 } };

        vhost_queue_add_stats(&dev->rxqs[i], &rx);
        vhost_queue_add_stats(&dev->txqs[i], &tx);
        add_ring_counter(stats, "rx", i, "packets", rx.n[VHOST_RX_PACKETS]);
        add_ring_counter(stats, "rx", i, "bytes", rx.n[VHOST_RX_BYTES]);
        add_ring_counter(stats, "rx", i, "dropped", vhost_rx_dropped(&rx));
        add_ring_counter(stats, "tx", i, "packets", tx.n[VHOST_TX_PACKETS]);
        add_ring_counter(stats, "tx", i, "bytes", tx.n[VHOST_TX_BYTES]);
        add_ring_counter(stats, "tx", i, "dropped", vhost_tx_dropped(&tx));
    }
}

static void
add_features(struct smap *status, const char *key, uint64_t features)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    vhost_features_format(features, &s);
    smap_add(status, key, ds_cstr(&s));
    ds_destroy(&s);
}

/* Says in '*status' what the guest has got, as it has said itself in the
 * messages that passed 'filter'.  librte_vhost may act on the next one at any
 * time, and does not keep what it has while others look at it. */
static void
vhost_dev_get_guest_status(const struct vhost_filter *filter,
                           uint64_t features, struct smap *status)
{
    int n_rings = 0;

    for (int i = 0; i < VHOST_MAX_RINGS; i++) {
        if (filter->sizes[i]) {
            smap_add_nocopy(status, xasprintf("vring_%d_size", i),
                            xasprintf("%"PRIu16, filter->sizes[i]));
            n_rings = i + 1;
        }
    }
    smap_add_format(status, "num_of_vrings", "%d", n_rings);
    smap_add_format(status, "memory_regions", "%"PRIu32, filter->n_regions);
    smap_add_format(status, "memory_mb", "%"PRIu64,
                    filter->memory_size >> 20);

    bool rx_tso = features & F_HOST_TSO;
    bool tx_tso = features & F_GUEST_TSO;
    smap_add(status, "rx_offloads",
             !(features & VHOST_F_BIT(VIRTIO_NET_F_CSUM)) ? "none"
             : rx_tso ? "csum tso" : "csum");
    smap_add(status, "tx_offloads",
             !(features & VHOST_F_BIT(VIRTIO_NET_F_GUEST_CSUM)) ? "none"
             : tx_tso ? "csum tso" : "csum");
}

/* Adds to '*status' what is to be seen of the guest. */
void
vhost_dev_get_status(struct vhost_dev *dev, struct smap *status)
{
    ovs_mutex_lock(&dev->mutex);
    uint64_t features = vhost_dev_offer(dev);
    bool connected = dev->conn_vid >= 0;

    smap_add(status, "status", dev->running ? "connected"
                               : dev->ready ? "starting"
                               : connected ? "negotiating" : "disconnected");
    smap_add_format(status, "connections", "%u", dev->n_connections);
    smap_add_format(status, "connections_refused", "%u", dev->n_refused);
    smap_add_format(status, "messages_refused", "%u", dev->n_bad_messages);
    add_features(status, "features_offered", features);
    if (connected && (dev->offered != features
                      || dev->max_pairs != dev->config.max_queue_pairs)) {
        smap_add(status, "reconnect_needed", "true");
    }
    if (dev->ready) {
        add_features(status, "features", dev->negotiated);
        if (dev->numa_id >= 0) {
            smap_add_format(status, "numa", "%d", dev->numa_id);
        }
        vhost_dev_get_guest_status(&dev->filter, dev->negotiated, status);
    }
    ovs_mutex_unlock(&dev->mutex);
}
