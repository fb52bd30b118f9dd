/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The interface types "afxdp-polling" and "afxdp-interrupt": a Linux network
 * device of any kind, with its packets carried by AF_XDP sockets.
 *
 * The device itself (addresses, flags, MTU, link state) is Open vSwitch's own
 * netdev-linux, whose class ours are copies of.  netdev-linux takes a class
 * for its own if 'run' is its own, so that member must stay as it is; the
 * duties that it has for its other classes by name are ours: checking the MTU,
 * and forgetting cached state when netlink messages were lost.  It polls the
 * carrier by MII only for devices of its first class, so ours do without. */

#include "afxdp-class.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "afxdp-port.h"
#include "afxdp-sockets.h"
#include "dp-packet.h"
#include "netlink-notifier.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rtnetlink.h"
#include "smap.h"
#include "unixctl.h"
#include "util.h"
#include "xsk/program.h"
#include "xsk/socket.h"

static struct netdev_class afxdp_polling_class;
static struct netdev_class afxdp_interrupt_class;
static const struct netdev_class *const afxdp_classes[] = {
    &afxdp_polling_class,
    &afxdp_interrupt_class,
};

bool
afxdp_class_owns(const struct netdev *netdev)
{
    const struct netdev_class *class = netdev_get_class(netdev);

    return (class == &afxdp_polling_class
            || class == &afxdp_interrupt_class);
}

static struct afxdp_port *
afxdp_port_cast(const struct netdev *netdev)
{
    ovs_assert(afxdp_class_owns(netdev));
    return CONTAINER_OF(netdev, struct afxdp_port, linux_.up);
}

/* Returns what is wrong with 'netdev', a port in the datapath, in a string for
 * the caller to free, or null if nothing is. */
char *
afxdp_class_get_error(const struct netdev *netdev)
{
    return port_error_get(&afxdp_port_cast(netdev)->error);
}

/* Life cycle. */

static struct netdev *
afxdp_class_alloc(void)
{
    struct afxdp_port *port = xzalloc(sizeof *port);

    return &port->linux_.up;
}

static int
afxdp_class_construct(struct netdev *netdev)
{
    return afxdp_port_init(afxdp_port_cast(netdev),
                           netdev_get_class(netdev) == &afxdp_interrupt_class);
}

static void
afxdp_class_destruct(struct netdev *netdev)
{
    afxdp_port_destroy(afxdp_port_cast(netdev));
}

static void
afxdp_class_dealloc(struct netdev *netdev)
{
    free(afxdp_port_cast(netdev));
}

/* Configuration. */

static int
afxdp_class_set_config(struct netdev *netdev, const struct smap *args,
                       char **errp)
{
    return afxdp_port_set_config(afxdp_port_cast(netdev), args, errp);
}

static int
afxdp_class_get_config(const struct netdev *netdev, struct smap *args)
{
    afxdp_port_get_config(afxdp_port_cast(netdev), args);
    return 0;
}

static int
afxdp_class_reconfigure(struct netdev *netdev)
{
    afxdp_port_reconfigure(afxdp_port_cast(netdev));
    return 0;
}

static int
afxdp_class_set_mtu(struct netdev *netdev, int mtu)
{
    return afxdp_port_set_mtu(afxdp_port_cast(netdev), mtu);
}

/* Called when a link has changed, or with a null 'change' when the kernel had
 * to drop such messages.  Main thread. */
static void
afxdp_class_link_changed(const struct rtnetlink_change *change, void *class)
{
    struct shash devices = SHASH_INITIALIZER(&devices);
    struct shash_node *node;

    if (change && !rtnetlink_type_is_rtnlgrp_link(change->nlmsg_type)) {
        return;
    }

    netdev_get_devices(class, &devices);
    SHASH_FOR_EACH (node, &devices) {
        afxdp_port_link_changed(afxdp_port_cast(node->data), change);
        netdev_close(node->data);
    }
    shash_destroy(&devices);
}

/* Packets. */

static struct xsk *
afxdp_class_rxq_socket(const struct netdev_rxq *rxq)
{
    const struct afxdp_port *port = afxdp_port_cast(rxq->netdev);
    const struct afxdp_sockets *sockets = port->sockets;

    return sockets ? sockets->xsks[rxq->queue_id % sockets->n_xsks] : NULL;
}

static struct netdev_rxq *
afxdp_class_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
afxdp_class_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
afxdp_class_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
    /* The sockets are the port's. */
}

static void
afxdp_class_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

static int
afxdp_class_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                     int *qfill)
{
    struct xsk *xsk = afxdp_class_rxq_socket(rxq);

    if (OVS_UNLIKELY(!xsk)) {
        return EAGAIN;
    }
    if (qfill) {
        *qfill = -ENOTSUP;
    }
    xsk_poll_tx(xsk);
    return xsk_recv(xsk, batch);
}

/* Each socket is waited for once, by the first of the queues that show it. */
static void
afxdp_class_rxq_wait(struct netdev_rxq *rxq)
{
    const struct afxdp_port *port = afxdp_port_cast(rxq->netdev);
    const struct afxdp_sockets *sockets = port->sockets;

    if (sockets && rxq->queue_id < sockets->n_xsks) {
        struct xsk *xsk = sockets->xsks[rxq->queue_id];

        poll_fd_wait(xsk->fd, POLLIN);
        if (xsk_flush_tx(xsk)) {
            poll_timer_wait(1);
        }
    }
}

static int
afxdp_class_rxq_drain(struct netdev_rxq *rxq)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    while (!afxdp_class_rxq_recv(rxq, &batch, NULL)) {
        dp_packet_delete_batch(&batch, true);
    }
    return 0;
}

static int
afxdp_class_send(struct netdev *netdev, int qid, struct dp_packet_batch *batch,
                 bool concurrent_txq OVS_UNUSED)
{
    struct afxdp_port *port = afxdp_port_cast(netdev);
    const struct afxdp_sockets *sockets = port->sockets;

    if (OVS_UNLIKELY(!sockets)) {
        uint64_t orig;

        atomic_add_relaxed(&port->tx_drop_no_socket,
                           dp_packet_batch_size(batch), &orig);
        dp_packet_delete_batch(batch, true);
        return ENODEV;
    }
    xsk_send(sockets->xsks[qid % sockets->n_txq], batch);
    return 0;
}

/* Reporting. */

static void
afxdp_class_sum_stats(struct afxdp_port *port, struct xsk_stats *stats)
    OVS_REQUIRES(port->mutex)
{
    *stats = port->past_stats;
    for (int i = 0; port->sockets && i < port->sockets->n_xsks; i++) {
        xsk_add_stats(port->sockets->xsks[i], stats);
    }
}

/* The number of packets dropped for want of room for their VLAN tag. */
static uint64_t
afxdp_class_n_lost_tags(const struct afxdp_port *port)
    OVS_REQUIRES(port->mutex)
{
    const struct afxdp_sockets *sockets = port->sockets;

    return (port->past_lost_tags
            + (sockets ? xsk_program_n_lost_tags(sockets->prog) : 0));
}

/* Counts what passed between the device and Open vSwitch.  The kernel's own
 * counters of the device include what never came here. */
static int
afxdp_class_get_stats(const struct netdev *netdev, struct netdev_stats *stats)
{
    struct afxdp_port *port = afxdp_port_cast(netdev);
    struct netdev_stats kernel;
    struct xsk_stats s;
    uint64_t no_socket;

    ovs_mutex_lock(&port->mutex);
    afxdp_class_sum_stats(port, &s);
    stats->rx_dropped = afxdp_class_n_lost_tags(port);
    if (!get_stats_via_netlink(netdev, &kernel)) {
        stats->rx_errors = kernel.rx_errors;
        stats->tx_errors = kernel.tx_errors;
        stats->collisions = kernel.collisions;
        stats->rx_length_errors = kernel.rx_length_errors;
        stats->rx_over_errors = kernel.rx_over_errors;
        stats->rx_crc_errors = kernel.rx_crc_errors;
        stats->rx_frame_errors = kernel.rx_frame_errors;
        stats->rx_fifo_errors = kernel.rx_fifo_errors;
        stats->rx_missed_errors = kernel.rx_missed_errors;
        stats->tx_aborted_errors = kernel.tx_aborted_errors;
        stats->tx_carrier_errors = kernel.tx_carrier_errors;
        stats->tx_fifo_errors = kernel.tx_fifo_errors;
        stats->tx_heartbeat_errors = kernel.tx_heartbeat_errors;
        stats->tx_window_errors = kernel.tx_window_errors;
    }
    ovs_mutex_unlock(&port->mutex);

    atomic_read_relaxed(&port->tx_drop_no_socket, &no_socket);
    stats->rx_packets = s.n[XSK_RX_PACKETS];
    stats->rx_bytes = s.n[XSK_RX_BYTES];
    stats->tx_packets = s.n[XSK_TX_PACKETS];
    stats->tx_bytes = s.n[XSK_TX_BYTES];
    stats->rx_dropped += (s.n[XSK_XDP_RX_DROPPED]
                          + s.n[XSK_XDP_RX_RING_FULL]
                          + s.n[XSK_RX_DROP_BAD_DESC]
                          + s.n[XSK_RX_DROP_OVERSIZE]
                          + s.n[XSK_RX_DROP_CLOSED]);
    stats->tx_dropped = (s.n[XSK_TX_DROP_RING_FULL]
                         + s.n[XSK_TX_DROP_NO_FRAME]
                         + s.n[XSK_TX_DROP_OVERSIZE]
                         + s.n[XSK_TX_DROP_DEVICE]
                         + s.n[XSK_TX_DROP_CLOSED]
                         + s.n[XSK_XDP_TX_INVALID_DESCS] + no_socket);
    return 0;
}

static void
add_custom_counter(struct netdev_custom_stats *stats, uint64_t value,
                   const char *format, ...)
    OVS_PRINTF_FORMAT(3, 4);

static void
add_custom_counter(struct netdev_custom_stats *stats, uint64_t value,
                   const char *format, ...)
{
    struct netdev_custom_counter *counter = &stats->counters[stats->size++];
    va_list args;

    counter->value = value;
    va_start(args, format);
    vsnprintf(counter->name, sizeof counter->name, format, args);
    va_end(args);
}

/* Reports the kernel's counters for each socket, named as the in-tree type
 * names them, and our own for the port. */
static int
afxdp_class_get_custom_stats(const struct netdev *netdev,
                             struct netdev_custom_stats *stats)
{
    struct afxdp_port *port = afxdp_port_cast(netdev);
    const int n_kernel = XSK_N_COUNTERS - XSK_XDP_RX_DROPPED;
    struct xsk_stats sum;
    uint64_t no_socket;

    ovs_mutex_lock(&port->mutex);
    int n_xsks = port->sockets ? port->sockets->n_xsks : 0;

    stats->size = 0;
    stats->counters = xcalloc(n_xsks * n_kernel + XSK_N_COUNTERS + 2,
                              sizeof *stats->counters);
    for (int q = 0; q < n_xsks; q++) {
        const struct xsk *xsk = port->sockets->xsks[q];
        struct xsk_stats s = { .n = { 0 } };

        xsk_add_stats(xsk, &s);
        for (int i = XSK_XDP_RX_DROPPED; i < XSK_N_COUNTERS; i++) {
            add_custom_counter(stats, s.n[i], "xsk_queue_%"PRIu32"_%s",
                               xsk->config.queue_id, xsk_counter_name(i));
        }
    }

    afxdp_class_sum_stats(port, &sum);
    for (int i = 0; i < XSK_XDP_RX_DROPPED; i++) {
        if (i != XSK_RX_PACKETS && i != XSK_RX_BYTES
            && i != XSK_TX_PACKETS && i != XSK_TX_BYTES) {
            add_custom_counter(stats, sum.n[i], "%s", xsk_counter_name(i));
        }
    }
    atomic_read_relaxed(&port->tx_drop_no_socket, &no_socket);
    add_custom_counter(stats, no_socket, "tx_drop_no_socket");
    add_custom_counter(stats, afxdp_class_n_lost_tags(port),
                       "rx_drop_vlan_tag");
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

static int
afxdp_class_get_status(const struct netdev *netdev, struct smap *args)
{
    struct afxdp_port *port = afxdp_port_cast(netdev);

    /* The driver's name and version.  Not every driver has them. */
    netdev_linux_get_status(netdev, args);

    ovs_mutex_lock(&port->mutex);
    const struct afxdp_sockets *sockets = port->sockets;
    if (sockets) {
        smap_add(args, "xdp-mode", afxdp_mode_name(sockets->mode));
        if (sockets->why_not_better) {
            smap_add(args, "xdp-mode-reason", sockets->why_not_better);
        }
        smap_add(args, "zero-copy", sockets->xsks[0]->zerocopy ? "true"
                 : "false");
        smap_add(args, "tx-csum", sockets->tx_csum);
        smap_add(args, "rx-csum-partial", sockets->rx_csum_partial ? "true"
                 : "false");
        smap_add(args, "vlan-tags",
                 sockets->restores_vlan_tags ? "restored" : "as-received");
        smap_add_format(args, "device-queues", "%d", sockets->n_queues);
        smap_add_format(args, "n_rxq", "%d", sockets->n_xsks);
        smap_add_format(args, "n_txq", "%d", sockets->n_txq);
        smap_add_format(args, "start-qid", "%d", sockets->options.start_qid);
        smap_add_format(args, "n_rxq_desc", "%d", sockets->options.n_rxq_desc);
        smap_add_format(args, "n_txq_desc", "%d", sockets->options.n_txq_desc);
        smap_add_format(args, "max-mtu", "%d", sockets->max_mtu);
        if (sockets->numa_id >= 0) {
            smap_add_format(args, "numa_id", "%d", sockets->numa_id);
        }
    } else {
        smap_add(args, "xdp-mode", "none");
    }
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

/* "xsk/show [interface]" */
static void
afxdp_class_unixctl_show(struct unixctl_conn *conn, int argc,
                         const char *argv[], void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool found = false;

    for (int i = 0; i < ARRAY_SIZE(afxdp_classes); i++) {
        struct shash devices = SHASH_INITIALIZER(&devices);

        netdev_get_devices(afxdp_classes[i], &devices);

        const struct shash_node **nodes = shash_sort(&devices);
        for (size_t j = 0; j < shash_count(&devices); j++) {
            struct netdev *netdev = nodes[j]->data;
            struct afxdp_port *port = afxdp_port_cast(netdev);

            ovs_mutex_lock(&port->mutex);
            const struct afxdp_sockets *sockets = port->sockets;
            if (argc < 2 || !strcmp(argv[1], nodes[j]->name)) {
                found = true;
                ds_put_format(&s, "%s (%s): %s\n", nodes[j]->name,
                              netdev_get_type(netdev),
                              sockets ? afxdp_mode_name(sockets->mode)
                              : "no sockets");
                for (int q = 0; sockets && q < sockets->n_xsks; q++) {
                    xsk_format(sockets->xsks[q], &s);
                }
            }
            ovs_mutex_unlock(&port->mutex);
            netdev_close(netdev);
        }
        free(nodes);
        shash_destroy(&devices);
    }

    if (argc > 1 && !found) {
        ds_put_format(&s, "%s: no such AF_XDP interface", argv[1]);
        unixctl_command_reply_error(conn, ds_cstr(&s));
    } else {
        unixctl_command_reply(conn, ds_cstr(&s));
    }
    ds_destroy(&s);
}

/* Classes. */

static void
register_class(struct netdev_class *class, const char *type,
               bool is_pmd)
{
    *class = netdev_linux_class;
    class->type = type;
    class->is_pmd = is_pmd;
    class->alloc = afxdp_class_alloc;
    class->construct = afxdp_class_construct;
    class->destruct = afxdp_class_destruct;
    class->dealloc = afxdp_class_dealloc;
    class->get_config = afxdp_class_get_config;
    class->set_config = afxdp_class_set_config;
    class->reconfigure = afxdp_class_reconfigure;
    class->set_miimon_interval = NULL;
    class->get_numa_id = netdev_afxdp_class.get_numa_id;
    class->set_mtu = afxdp_class_set_mtu;
    class->send = afxdp_class_send;
    class->get_stats = afxdp_class_get_stats;
    class->get_custom_stats = afxdp_class_get_custom_stats;
    class->get_status = afxdp_class_get_status;
    class->rxq_alloc = afxdp_class_rxq_alloc;
    class->rxq_construct = afxdp_class_rxq_construct;
    class->rxq_destruct = afxdp_class_rxq_destruct;
    class->rxq_dealloc = afxdp_class_rxq_dealloc;
    class->rxq_recv = afxdp_class_rxq_recv;
    class->rxq_wait = afxdp_class_rxq_wait;
    class->rxq_drain = afxdp_class_rxq_drain;
    netdev_register_provider(class);
    rtnetlink_notifier_create(afxdp_class_link_changed, class);
}

/* Registers both types.  Call once, while Open vSwitch registers its own. */
void
afxdp_class_register(void)
{
    register_class(&afxdp_polling_class, "afxdp-polling",
                   true);
    register_class(&afxdp_interrupt_class,
                   "afxdp-interrupt", false);
    unixctl_command_register("xsk/show", "[interface]", 0, 1,
                             afxdp_class_unixctl_show, NULL);
}
