/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* What a vhost-user device tells of itself: counters and status. */

#include "vhost/device.h"

#include <linux/virtio_net.h>

#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "smap.h"
#include "util.h"

#define F_HOST_TSO (VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO4)  \
                    | VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO6))
#define F_GUEST_TSO (VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO4)  \
                     | VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO6))

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

/* Appends the names of 'features', separated by spaces. */
void
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
 * messages that passed 'said'.  librte_vhost may act on the next one at any
 * time, and does not keep what it has while others look at it. */
static void
vhost_dev_get_guest_status(const struct vhost_messages *said,
                           uint64_t features, struct smap *status)
{
    int n_rings = 0;

    for (int i = 0; i < VHOST_MAX_RINGS; i++) {
        if (said->sizes[i]) {
            smap_add_nocopy(status, xasprintf("vring_%d_size", i),
                            xasprintf("%"PRIu16, said->sizes[i]));
            n_rings = i + 1;
        }
    }
    smap_add_format(status, "num_of_vrings", "%d", n_rings);
    smap_add_format(status, "memory_regions", "%"PRIu32, said->n_regions);
    smap_add_format(status, "memory_mb", "%"PRIu64,
                    said->memory_size >> 20);

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
    bool connected = dev->connected;

    smap_add(status, "status", dev->running ? "connected"
                               : dev->ready ? "starting"
                               : connected ? "negotiating" : "disconnected");
    if (dev->waiting && !connected) {
        smap_add(status, "waiting_for", dev->waiting);
    }
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
        vhost_dev_get_guest_status(&dev->said, dev->negotiated, status);
    }
    ovs_mutex_unlock(&dev->mutex);
}
