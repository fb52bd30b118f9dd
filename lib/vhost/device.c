/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/virtio_net.h>
#include <rte_vhost.h>
#include <stdlib.h>
#include <unistd.h>

#include "dirs.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "util.h"
#include "vhost/broker.h"
#include "vhost/notify.h"
#include "vhost/memory.h"

VLOG_DEFINE_THIS_MODULE(vhost_dev);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 20);

/* Feature bit of packed virtqueues; see "Reserved Feature Bits" in the virtio
 * specification. */
#define F_RING_PACKED 34

static struct ovs_mutex devs_mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list devs OVS_GUARDED_BY(devs_mutex)
    = OVS_LIST_INITIALIZER(&devs);

/* The features that the next guest is offered. */
uint64_t
vhost_dev_offer(const struct vhost_dev *dev)
    OVS_REQUIRES(dev->mutex)
{
    uint64_t features = dev->supported & dev->config.features;

    return (dev->config.max_queue_pairs > 1 ? features
            : features & ~VHOST_F_BIT(VIRTIO_NET_F_MQ));
}

/* Connections.  These are the broker's callbacks, in its thread. */

static void
vhost_dev_connected(void *dev_)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    dev->connected = true;
    dev->n_connections++;
    dev->offered = vhost_dev_offer(dev);
    dev->max_pairs = dev->config.max_queue_pairs;
    vhost_messages_init(&dev->said, dev->offered, dev->protocol_offered,
                        dev->max_pairs);
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
}

static void
vhost_dev_disconnected(void *dev_)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    dev->connected = false;
    dev->n_disconnections++;
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
}

static void
vhost_dev_turned_away(void *dev_)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    dev->n_refused++;
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
    VLOG_WARN_RL(&rl, "%s: a second guest on %s was turned away",
                 netdev_get_name(dev->netdev), dev->path);
}

static void
vhost_dev_waiting(void *dev_, const char *reason)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    free(dev->waiting);
    dev->waiting = nullable_xstrdup(reason);
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
    if (reason) {
        VLOG_INFO("%s: waiting for the guest: %s",
                  netdev_get_name(dev->netdev), reason);
    }
}

static const char *
vhost_dev_check_header(void *dev_, const struct vhost_header *header,
                       size_t n_fds)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    const char *reason = vhost_messages_check_header(&dev->said, header,
                                                     n_fds);
    ovs_mutex_unlock(&dev->mutex);
    return reason;
}

static const char *
vhost_dev_check(void *dev_, const struct vhost_message *message, size_t n_fds,
                struct vhost_todo *todo)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    const char *reason = vhost_messages_check(&dev->said, message, n_fds,
                                              todo);
    ovs_mutex_unlock(&dev->mutex);
    return reason;
}

static void
vhost_dev_refused(void *dev_, uint32_t request, const char *reason)
{
    struct vhost_dev *dev = dev_;

    ovs_mutex_lock(&dev->mutex);
    dev->n_bad_messages++;
    netdev_change_seq_changed(dev->netdev);
    ovs_mutex_unlock(&dev->mutex);
    VLOG_WARN_RL(&rl, "%s: message %"PRIu32" of the guest was refused, since "
                 "%s; the guest is disconnected",
                 netdev_get_name(dev->netdev), request, reason);
}

static const struct vhost_broker_ops broker_ops = {
    .connected = vhost_dev_connected,
    .disconnected = vhost_dev_disconnected,
    .turned_away = vhost_dev_turned_away,
    .waiting = vhost_dev_waiting,
    .check_header = vhost_dev_check_header,
    .check = vhost_dev_check,
    .refused = vhost_dev_refused,
};

/* Guests.  These are librte_vhost's callbacks, in its own thread or, for a
 * guest whose port is closed, in the main thread.  The broker has librte_vhost
 * see one connection of a device at a time. */

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
            if (dev->backend_path && !strcmp(dev->backend_path, path)) {
                found = dev;
                break;
            }
        }
        ovs_mutex_unlock(&devs_mutex);
    }
    return found;
}

/* Called by librte_vhost with a mutex held that rte_vhost_driver_unregister(),
 * for one, takes after another: so no function of that kind may be called. */
static int
vhost_new_connection(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);

    if (!dev) {
        return -1;
    }

    ovs_mutex_lock(&dev->mutex);
    dev->conn_vid = vid;
    dev->n_pairs = 0;
    memset(dev->rx_enabled, 0, sizeof dev->rx_enabled);
    memset(dev->tx_enabled, 0, sizeof dev->tx_enabled);
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static void
vhost_destroy_connection(int vid)
{
    struct vhost_dev *dev = vhost_dev_lookup(vid);

    if (dev) {
        ovs_mutex_lock(&dev->mutex);
        if (dev->conn_vid == vid) {
            dev->conn_vid = -1;
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
    return (dev->said.features & VHOST_F_BIT(VIRTIO_NET_F_MQ)
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
     * taken away in vhost_destroy_device().  librte_vhost has sizes for
     * others, too, but may not have memory for them. */
    for (int i = 0; i < 2 * n_pairs && dev->conn_vid == dev->vid; i++) {
        sizes[i] = dev->said.started[i] ? dev->said.sizes[i] : 0;
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

/* Has librte_vhost listen for the guests of 'dev' on a socket of its own, with
 * 'flags' (RTE_VHOST_USER_*).
 *
 * Only this process can connect to it: its folder is no other user's, and goes
 * together with the socket's name as soon as there is a descriptor to reach it
 * by.  So nothing of it is left behind, however the process ends.
 * librte_vhost knows it by a path through the folder's descriptor, which is
 * short, however long that of the folder is.
 *
 * Returns null or what is wrong, for the caller to free. */
static char *
vhost_dev_open_backend(struct vhost_dev *dev, uint64_t flags)
    OVS_EXCLUDED(devs_mutex)
{
    static unsigned int n;      /* Makes names unique. */
    char *folder = xasprintf("%s/vhost.XXXXXX", ovs_rundir());
    char *error = NULL;

    if (!mkdtemp(folder)) {
        free(folder);
        folder = xstrdup("/tmp/vhost.XXXXXX");
        if (!mkdtemp(folder)) {
            error = xasprintf("no folder can be made in %s or /tmp: %s",
                              ovs_rundir(), ovs_strerror(errno));
            free(folder);
            return error;
        }
    }

    int folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        error = xasprintf("%s: %s", folder, ovs_strerror(errno));
        rmdir(folder);
        free(folder);
        return error;
    }

    char *name = xasprintf("%.40s-%u", netdev_get_name(dev->netdev), n++);
    for (char *p = name; *p; p++) {
        *p = *p == '/' ? '_' : *p;
    }
    ovs_mutex_lock(&devs_mutex);
    dev->backend_path = xasprintf("/proc/self/fd/%d/%s", folder_fd, name);
    ovs_mutex_unlock(&devs_mutex);

    if (rte_vhost_driver_register(dev->backend_path, flags)) {
        error = xasprintf("DPDK refuses %s; the log has its reason",
                          dev->path);
        goto out;
    }
    dev->registered = true;
    rte_vhost_driver_get_features(dev->backend_path, &dev->supported);
    if (!rte_vhost_driver_get_protocol_features(dev->backend_path,
                                                &dev->protocol_offered)) {
        dev->protocol_offered &= VHOST_PROTOCOL_FEATURES;
        rte_vhost_driver_set_protocol_features(dev->backend_path,
                                               dev->protocol_offered);
    }
    if (rte_vhost_driver_callback_register(dev->backend_path, &device_ops)
        || rte_vhost_driver_start(dev->backend_path)) {
        error = xasprintf("DPDK cannot serve %s; the log has its reason",
                          dev->path);
        goto out;
    }
    dev->backend = openat(folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (dev->backend < 0) {
        error = xasprintf("%s: %s", folder, ovs_strerror(errno));
    }

out:
    unlinkat(folder_fd, name, 0);
    close(folder_fd);
    rmdir(folder);
    free(folder);
    free(name);
    return error;
}

/* Makes a device for 'netdev' on the socket 'path', which we create with the
 * permissions 'access' or, if that is null, connect to, and keep trying to.
 * 'flags' are further RTE_VHOST_USER_* of librte_vhost.  Packets are not
 * received before vhost_dev_run().
 *
 * Returns 0 with '*devp' set, for the caller to vhost_dev_close(), or a
 * positive errno value with '*errp' set to a message for the caller to free.
 * Main thread only, without locks: it may call 'netdev' back.  DPDK must have
 * been started, see eal_start(). */
int
vhost_dev_open(struct netdev *netdev, const char *path,
               const struct vhost_socket_access *access, uint64_t flags,
               const struct vhost_config *config, struct vhost_dev **devp,
               char **errp)
{
    vhost_memory_init();
    vhost_notify_init();

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
    dev->vid = dev->conn_vid = dev->backend = -1;
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

    /* librte_vhost could also put a large packet into a buffer of its own,
     * with RTE_VHOST_USER_EXTBUF_SUPPORT.  But there a guest can overflow its
     * heap, with descriptors whose lengths add up to 2**32 or more (seen with
     * DPDK 22.11, and 24.11 has the same code).
     *
     * It parses a header with offloads itself and tells of them in the flags
     * for received packets, which are checked once more. */
    flags |= RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;
    char *reason = vhost_dev_open_backend(dev, flags);
    int error = reason ? EINVAL : 0;
    if (!error) {
        const struct vhost_broker_config broker_config = {
            .path = path,
            .access = access,
            .backend = dev->backend,
            .ops = &broker_ops,
            .owner = dev,
        };

        error = vhost_broker_add(&broker_config, &dev->broker_port, &reason);
    }
    if (error) {
        *errp = reason;
        vhost_dev_close(dev, NULL);
        return error;
    }
    *devp = dev;
    return 0;
}

/* Closes 'dev' and its connection.  Adds its counters to '*stats', if that is
 * not null.  Main thread only, without locks that a callback may take. */
void
vhost_dev_close(struct vhost_dev *dev, struct vhost_stats *stats)
{
    if (!dev) {
        return;
    }

    vhost_broker_remove(dev->broker_port);
    if (dev->registered) {
        rte_vhost_driver_unregister(dev->backend_path);
    }
    if (dev->backend >= 0) {
        close(dev->backend);
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
    free(dev->waiting);
    free(dev->backend_path);
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
