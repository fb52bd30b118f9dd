/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The interface types "vhostuser" and "vhostuserclient": a virtio network
 * device of a virtual machine, reached through vhost-user.  The first creates
 * the socket that the machine connects to, the second connects to one. */

#include "vhost-class.h"

#include <errno.h>

#include "dp-packet.h"
#include "frame-pool.h"
#include "hash.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "packets.h"
#include "smap.h"
#include "unixctl.h"
#include "util.h"
#include "vhost-port.h"
#include "vhost/device.h"

static struct netdev_class vhostuser_class;
static struct netdev_class vhostuserclient_class;
static const struct netdev_class *const vhost_classes[] = {
    &vhostuser_class,
    &vhostuserclient_class,
};

bool
vhost_class_owns(const struct netdev *netdev)
{
    const struct netdev_class *class = netdev_get_class(netdev);

    return (class == &vhostuser_class
            || class == &vhostuserclient_class);
}

static struct vhost_port *
vhost_port_cast(const struct netdev *netdev)
{
    ovs_assert(vhost_class_owns(netdev));
    return CONTAINER_OF(netdev, struct vhost_port, up);
}

/* Returns what is wrong with 'netdev', a port in the datapath, in a string for
 * the caller to free, or null if nothing is. */
char *
vhost_class_get_error(const struct netdev *netdev)
{
    return port_error_get(&vhost_port_cast(netdev)->error);
}

/* Life cycle. */

static struct netdev *
vhost_class_alloc(void)
{
    struct vhost_port *port = xzalloc(sizeof *port);

    return &port->up;
}

static int
vhost_class_construct(struct netdev *netdev)
{
    vhost_port_init(vhost_port_cast(netdev),
                    netdev_get_class(netdev) == &vhostuserclient_class);
    return 0;
}

static void
vhost_class_destruct(struct netdev *netdev)
{
    vhost_port_destroy(vhost_port_cast(netdev));
}

static void
vhost_class_dealloc(struct netdev *netdev)
{
    free(vhost_port_cast(netdev));
}

/* Configuration. */

static int
vhost_class_set_config(struct netdev *netdev, const struct smap *args,
                       char **errp)
{
    return vhost_port_set_config(vhost_port_cast(netdev), args, errp);
}

static int
vhost_class_get_config(const struct netdev *netdev, struct smap *args)
{
    vhost_port_get_config(vhost_port_cast(netdev), args);
    return 0;
}

static int
vhost_class_reconfigure(struct netdev *netdev)
{
    vhost_port_reconfigure(vhost_port_cast(netdev));
    return 0;
}

/* The node of the guest's memory, once it is known. */
static int
vhost_class_get_numa_id(const struct netdev *netdev)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    int pool_numa_id = port->pool ? port->pool->numa_id : -1;
    int numa_id = port->numa_id >= 0 ? port->numa_id : MAX(pool_numa_id, 0);
    ovs_mutex_unlock(&port->mutex);
    return numa_id;
}

static int
vhost_class_set_etheraddr(struct netdev *netdev, const struct eth_addr mac)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    if (!eth_addr_equals(port->mac, mac)) {
        port->mac = mac;
        netdev_change_seq_changed(netdev);
    }
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static int
vhost_class_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    *mac = port->mac;
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static int
vhost_class_get_mtu(const struct netdev *netdev, int *mtu)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    *mtu = port->mtu;
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static int
vhost_class_set_mtu(struct netdev *netdev, int mtu)
{
    return vhost_port_set_mtu(vhost_port_cast(netdev), mtu);
}

static int
vhost_class_update_flags(struct netdev *netdev, enum netdev_flags off,
                         enum netdev_flags on, enum netdev_flags *old_flagsp)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    if ((off | on) & ~(NETDEV_UP | NETDEV_PROMISC)) {
        return EINVAL;
    }

    ovs_mutex_lock(&port->mutex);
    *old_flagsp = port->flags;
    port->flags = (port->flags | on) & ~off;
    if (port->flags != *old_flagsp) {
        if (port->dev) {
            atomic_store_relaxed(&port->dev->up,
                                 (port->flags & NETDEV_UP) != 0);
        }
        netdev_change_seq_changed(netdev);
    }
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

/* A number for SNMP and sFlow, which want one for each interface. */
static int
vhost_class_get_ifindex(const struct netdev *netdev)
{
    return (hash_string(netdev_get_name(netdev), 0) & 0x7ffffe) + 1;
}

static int
vhost_class_get_carrier(const struct netdev *netdev, bool *carrier)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    *carrier = (port->dev && port->flags & NETDEV_UP
                && vhost_dev_is_running(port->dev));
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static long long int
vhost_class_get_carrier_resets(const struct netdev *netdev)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    long long int resets = (port->past_resets
                            + (port->dev ? vhost_dev_carrier_resets(port->dev)
                               : 0));
    ovs_mutex_unlock(&port->mutex);
    return resets;
}

/* Packets. */

static struct netdev_rxq *
vhost_class_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
vhost_class_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
vhost_class_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
    /* The queues are the device's. */
}

static void
vhost_class_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

static int
vhost_class_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                     int *qfill)
{
    struct vhost_dev *dev = vhost_port_cast(rxq->netdev)->dev;

    if (qfill) {
        *qfill = -ENOTSUP;
    }
    return dev ? vhost_dev_recv(dev, rxq->queue_id, batch) : EAGAIN;
}

static bool
vhost_class_rxq_enabled(struct netdev_rxq *rxq)
{
    struct vhost_dev *dev = vhost_port_cast(rxq->netdev)->dev;

    return dev && vhost_dev_rxq_enabled(dev, rxq->queue_id);
}

static int
vhost_class_send(struct netdev *netdev, int qid,
                 struct dp_packet_batch *batch,
                 bool concurrent_txq OVS_UNUSED)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    if (OVS_UNLIKELY(!port->dev)) {
        uint64_t orig;

        atomic_add_relaxed(&port->tx_drop_no_socket,
                           dp_packet_batch_size(batch), &orig);
        dp_packet_delete_batch(batch, true);
        return ENODEV;
    }
    vhost_dev_send(port->dev, qid, batch);
    return 0;
}

/* Reporting. */

static void
vhost_class_sum_stats(struct vhost_port *port, struct vhost_stats *stats)
    OVS_REQUIRES(port->mutex)
{
    uint64_t no_socket;

    *stats = port->past_stats;
    if (port->dev) {
        vhost_dev_add_stats(port->dev, stats);
    }
    atomic_read_relaxed(&port->tx_drop_no_socket, &no_socket);
    stats->n[VHOST_TX_DROP_NO_GUEST] += no_socket;
}

static int
vhost_class_get_stats(const struct netdev *netdev,
                      struct netdev_stats *stats)
{
    struct vhost_port *port = vhost_port_cast(netdev);
    struct vhost_stats s;

    ovs_mutex_lock(&port->mutex);
    vhost_class_sum_stats(port, &s);
    ovs_mutex_unlock(&port->mutex);

    stats->rx_packets = s.n[VHOST_RX_PACKETS];
    stats->rx_bytes = s.n[VHOST_RX_BYTES];
    stats->rx_errors = vhost_rx_errors(&s);
    stats->rx_dropped = vhost_rx_dropped(&s);
    stats->tx_packets = s.n[VHOST_TX_PACKETS];
    stats->tx_bytes = s.n[VHOST_TX_BYTES];
    stats->tx_dropped = vhost_tx_dropped(&s);
    return 0;
}

static int
vhost_class_get_custom_stats(const struct netdev *netdev,
                             struct netdev_custom_stats *stats)
{
    struct vhost_port *port = vhost_port_cast(netdev);
    struct vhost_stats s;

    ovs_mutex_lock(&port->mutex);
    vhost_class_sum_stats(port, &s);
    stats->size = 0;
    stats->counters = xcalloc(VHOST_N_COUNTERS, sizeof *stats->counters);
    for (int i = 0; i < VHOST_N_COUNTERS; i++) {
        if (i != VHOST_RX_PACKETS && i != VHOST_RX_BYTES
            && i != VHOST_TX_PACKETS && i != VHOST_TX_BYTES) {
            struct netdev_custom_counter *c = &stats->counters[stats->size++];

            ovs_strlcpy(c->name, vhost_counter_name(i), sizeof c->name);
            c->value = s.n[i];
        }
    }
    if (port->dev) {
        vhost_dev_add_vring_stats(port->dev, stats);
    }
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static int
vhost_class_get_status(const struct netdev *netdev, struct smap *args)
{
    struct vhost_port *port = vhost_port_cast(netdev);

    ovs_mutex_lock(&port->mutex);
    smap_add(args, "mode", port->is_client ? "client"
             : "server");
    smap_add(args, "socket", port->path ? port->path : "none");
    if (port->dev) {
        vhost_dev_get_status(port->dev, args);
    } else {
        smap_add(args, "status", "no-socket");
    }
    smap_add_format(args, "n_rxq", "%d", netdev->n_rxq);
    smap_add_format(args, "n_txq", "%d", netdev->n_txq);
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static void
format_port(const struct netdev *netdev, struct ds *s)
{
    struct vhost_port *port = vhost_port_cast(netdev);
    struct smap status = SMAP_INITIALIZER(&status);
    struct vhost_stats stats;

    vhost_class_get_status(netdev, &status);
    ds_put_format(s, "%s (%s): %s\n", netdev_get_name(netdev),
                  netdev_get_type(netdev), smap_get_def(&status, "status",
                                                        ""));
    const struct smap_node **nodes = smap_sort(&status);
    for (size_t i = 0; i < smap_count(&status); i++) {
        if (strcmp(nodes[i]->key, "status")) {
            ds_put_format(s, "  %s: %s\n", nodes[i]->key, nodes[i]->value);
        }
    }
    free(nodes);
    smap_destroy(&status);

    ovs_mutex_lock(&port->mutex);
    vhost_class_sum_stats(port, &stats);
    ovs_mutex_unlock(&port->mutex);
    ds_put_cstr(s, "  counters:\n");
    for (int i = 0; i < VHOST_N_COUNTERS; i++) {
        if (stats.n[i]) {
            ds_put_format(s, "    %s: %"PRIu64"\n", vhost_counter_name(i),
                          stats.n[i]);
        }
    }
}

/* "vhost/show [interface]" */
static void
vhost_class_unixctl_show(struct unixctl_conn *conn, int argc,
                         const char *argv[], void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool found = false;

    for (int i = 0; i < ARRAY_SIZE(vhost_classes); i++) {
        struct shash devices = SHASH_INITIALIZER(&devices);

        netdev_get_devices(vhost_classes[i], &devices);

        const struct shash_node **nodes = shash_sort(&devices);
        for (size_t j = 0; j < shash_count(&devices); j++) {
            struct netdev *netdev = nodes[j]->data;

            if (argc < 2 || !strcmp(argv[1], nodes[j]->name)) {
                found = true;
                format_port(netdev, &s);
            }
            netdev_close(netdev);
        }
        free(nodes);
        shash_destroy(&devices);
    }

    if (argc > 1 && !found) {
        ds_put_format(&s, "%s: no such vhost-user interface", argv[1]);
        unixctl_command_reply_error(conn, ds_cstr(&s));
    } else {
        unixctl_command_reply(conn, ds_cstr(&s));
    }
    ds_destroy(&s);
}

/* Classes. */

static void
register_class(struct netdev_class *class, const char *type)
{
    *class = (struct netdev_class) {
        .type = type,
        .is_pmd = true,
        .alloc = vhost_class_alloc,
        .construct = vhost_class_construct,
        .destruct = vhost_class_destruct,
        .dealloc = vhost_class_dealloc,
        .get_config = vhost_class_get_config,
        .set_config = vhost_class_set_config,
        .reconfigure = vhost_class_reconfigure,
        .get_numa_id = vhost_class_get_numa_id,
        .set_etheraddr = vhost_class_set_etheraddr,
        .get_etheraddr = vhost_class_get_etheraddr,
        .get_mtu = vhost_class_get_mtu,
        .set_mtu = vhost_class_set_mtu,
        .update_flags = vhost_class_update_flags,
        .get_ifindex = vhost_class_get_ifindex,
        .get_carrier = vhost_class_get_carrier,
        .get_carrier_resets = vhost_class_get_carrier_resets,
        .get_stats = vhost_class_get_stats,
        .get_custom_stats = vhost_class_get_custom_stats,
        .get_status = vhost_class_get_status,
        .send = vhost_class_send,
        .rxq_alloc = vhost_class_rxq_alloc,
        .rxq_construct = vhost_class_rxq_construct,
        .rxq_destruct = vhost_class_rxq_destruct,
        .rxq_dealloc = vhost_class_rxq_dealloc,
        .rxq_recv = vhost_class_rxq_recv,
        .rxq_enabled = vhost_class_rxq_enabled,
    };
    netdev_register_provider(class);
}

/* Registers both types.  Call once, while Open vSwitch registers its own. */
void
vhost_class_register(void)
{
    register_class(&vhostuser_class, "vhostuser");
    register_class(&vhostuserclient_class,
                   "vhostuserclient");
    unixctl_command_register("vhost/show", "[interface]", 0, 1,
                             vhost_class_unixctl_show, NULL);
}
