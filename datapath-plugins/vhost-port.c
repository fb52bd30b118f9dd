/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The life of a vhost-user port: its socket, its options, its memory, its
 * error. */

#include "vhost-port.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <rte_vhost.h>
#include <sys/stat.h>

#include "dirs.h"
#include "dp-packet.h"
#include "eal.h"
#include "fatal-signal.h"
#include "frame-pool.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "port-options.h"
#include "smap.h"
#include "util.h"
#include "vhost/device.h"
#include "vhost/socket.h"

VLOG_DEFINE_THIS_MODULE(vhost_port);

/* Frames that an rx queue may have on their way at a time: some bursts of
 * packets that fit in one each.  A frame that another port sends is counted
 * there.  A burst of larger packets takes more, out of what a pool has beyond
 * its reservations, but only until they have been put together. */
#define RXQ_FRAMES 256

/* The least MTU of IPv4 (RFC 791), and what fits in the largest packet, whose
 * memory DPDK counts in 16 bits, with room in front. */
#define MIN_MTU 68
#define MAX_MTU (UINT16_MAX - RTE_PKTMBUF_HEADROOM - L2_OVERHEAD)

/* Life of the socket. */

/* Opens the socket of 'port' with 'options'.  Returns 0, or a positive errno
 * value with '*errp' set to a message for the caller to free. */
static int
vhost_port_open(struct vhost_port *port, const struct vhost_options *options,
                char **errp)
    OVS_REQUIRES(port->mutex)
{
    struct netdev *netdev = &port->up;
    const char *name = netdev_get_name(netdev);
    bool client = port->is_client;
    struct vhost_config config;
    uint64_t flags = 0;
    char *reason = NULL;
    char *path = NULL;
    int error;

    if (!port->pool) {
        port->n_frames = RXQ_FRAMES;
        port->numa_id = -1;
        error = frame_pool_acquire(port->numa_id, port->n_frames, &port->pool,
                                   &reason);
        if (error) {
            goto out;
        }
    }

    if (client) {
        path = xstrdup(options->server_path);
    } else {
        path = xasprintf("%s/%s", ovs_rundir(), name);
        reason = vhost_socket_prepare_server(path);
        if (reason) {
            error = EINVAL;
            goto out;
        }
    }

    if (options->iommu_support) {
        flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
    }
    if (options->postcopy_support) {
        flags |= RTE_VHOST_USER_POSTCOPY_SUPPORT;
    }
    vhost_options_to_config(options, &config);
    const struct vhost_socket_access access = {
        .mode = options->socket_mode,
        .uid = options->socket_owner.uid,
        .gid = options->socket_owner.gid,
    };
    error = vhost_dev_open(netdev, path, client ? NULL : &access, flags,
                           &config, &port->dev, &reason);

out:
    if (error) {
        *errp = xasprintf("%s: %s", name, reason);
        free(reason);
        free(path);
        return error;
    }

    port->options = *options;
    free(port->path);
    port->path = path;
    atomic_store_relaxed(&port->dev->mtu, port->mtu);
    atomic_store_relaxed(&port->dev->up, (port->flags & NETDEV_UP) != 0);
    vhost_dev_run(port->dev, port->pool);
    if (!client) {
        fatal_signal_add_file_to_unlink(path);
    }
    VLOG_INFO("%s: %s %s", name, client ? "connecting to" : "listening on",
              path);
    return 0;
}

static void
vhost_port_close(struct vhost_port *port)
    OVS_REQUIRES(port->mutex)
{
    if (!port->dev) {
        return;
    }
    if (!port->is_client) {
        fatal_signal_remove_file_to_unlink(port->path);
    }
    port->past_resets += vhost_dev_carrier_resets(port->dev);
    vhost_dev_close(port->dev, &port->past_stats);
    port->dev = NULL;
}

/* Configuration. */

/* Puts 'port->requested', which has been checked, in force.  Main thread. */
static void
vhost_port_apply(struct vhost_port *port)
    OVS_REQUIRES(port->mutex)
{
    struct vhost_config config;
    char *error = NULL;

    if (!port->dev
        || vhost_options_need_reopen(&port->options, &port->requested)) {
        port->reopen = true;
        netdev_request_reconfigure(&port->up);
        return;
    }

    if (!port->is_client) {
        const struct vhost_socket_access access = {
            .mode = port->requested.socket_mode,
            .uid = port->requested.socket_owner.uid,
            .gid = port->requested.socket_owner.gid,
        };

        error = vhost_socket_set_access(port->path, &access);
    }
    if (error) {
        port_error_set(&port->error, PORT_ERROR_CONFIG,
                       xasprintf("%s: %s; the previous options stay in force",
                                 netdev_get_name(&port->up), error));
        free(error);
    } else {
        vhost_options_to_config(&port->requested, &config);
        vhost_dev_set_config(port->dev, &config);
        port->options = port->requested;
        if (port_error_is_set(&port->error, PORT_ERROR_CONFIG)) {
            port_error_set(&port->error, PORT_ERROR_CONFIG, NULL);
        }
    }
}

/* Takes 'options' in place of earlier ones of 'port'.  'same' if they are
 * those that were last asked for. */
static void
vhost_port_take_options(struct vhost_port *port,
                        const struct vhost_options *options, bool same)
    OVS_REQUIRES(port->mutex)
{
    struct vhost_wants wants;

    if (!same || !port->dev) {
        port->requested = *options;
        vhost_port_apply(port);
    } else if (port_error_is_set(&port->error, PORT_ERROR_CONFIG)) {
        /* What takes a new socket is not tried again while there is a guest:
         * it would be disconnected whenever something is configured. */
        if (vhost_options_need_reopen(&port->options, options)
            && vhost_dev_get_wants(port->dev, &wants)) {
            port_error_repeat(&port->error);
        } else {
            vhost_port_apply(port);
        }
    }
}

/* A new port's socket is opened right here, so that the bridge sees the error
 * and does not add it.  For a port in service, bad options leave it as it is,
 * and the error goes to the "error" column: if we returned it, the bridge
 * would remove the port. */
int
vhost_port_set_config(struct vhost_port *port, const struct smap *args,
                      char **errp)
{
    const char *name = netdev_get_name(&port->up);
    struct vhost_options options;
    char *message = NULL;
    size_t n_options;
    int error;

    const struct port_option *table = vhost_options_table(port->is_client,
                                                          &n_options);
    memset(&options, 0, sizeof options);
    port_options_warn_unknown(name, table, n_options, args);
    error = port_options_parse(name, table, n_options, args, &options,
                               &message);
    if (!error) {
        error = eal_start(name, &message);
    }

    ovs_mutex_lock(&port->mutex);
    bool same = (port->has_options
                 && !memcmp(&options, &port->requested, sizeof options));
    if (!error && !same) {
        error = vhost_options_check(name, port->is_client, &options,
                                    &message);
    }

    if (!port->has_options) {
        if (!error) {
            error = vhost_port_open(port, &options, &message);
        }
        if (!error) {
            port->requested = options;
            port->has_options = true;
        } else {
            VLOG_ERR("%s", message);
            *errp = message;
        }
    } else if (!error) {
        vhost_port_take_options(port, &options, same);
    } else {
        port_error_set(&port->error, PORT_ERROR_CONFIG,
                       xasprintf("%s; the previous options stay in force",
                                 message));
        free(message);
        error = 0;
    }
    ovs_mutex_unlock(&port->mutex);
    return error;
}

void
vhost_port_get_config(struct vhost_port *port, struct smap *args)
{
    size_t n_options;
    const struct port_option *table = vhost_options_table(port->is_client,
                                                          &n_options);

    ovs_mutex_lock(&port->mutex);
    if (port->has_options) {
        port_options_format(table, n_options, &port->options, args);
    }
    ovs_mutex_unlock(&port->mutex);
}

/* Opens the socket anew, with the requested options, or else with those that
 * the port had.  If neither works, the port stays in the datapath without a
 * socket until it is configured again. */
static void
vhost_port_reopen(struct vhost_port *port)
    OVS_REQUIRES(port->mutex)
{
    struct vhost_options previous = port->options;
    char *message = NULL;
    char *ignored = NULL;

    vhost_port_close(port);
    if (vhost_port_open(port, &port->requested, &message)
        && memcmp(&previous, &port->requested, sizeof previous)) {
        if (!vhost_port_open(port, &previous, &ignored)) {
            char *refused = message;

            message = xasprintf("%s; the previous options stay in force",
                                refused);
            free(refused);
        }
        free(ignored);
    }
    port_error_set(&port->error, PORT_ERROR_CONFIG, message);
}

/* Has the port's memory fit 'wants'.  Returns false if there is none, and then
 * the port keeps what it has. */
static bool
vhost_port_fit_memory(struct vhost_port *port,
                      const struct vhost_wants *wants)
    OVS_REQUIRES(port->mutex)
{
    uint32_t n_frames = wants->n_pairs * RXQ_FRAMES;
    struct frame_pool *pool;
    char *message = NULL;

    if (n_frames <= port->n_frames && wants->numa_id == port->numa_id) {
        return true;
    }
    if (frame_pool_acquire(wants->numa_id, n_frames, &pool, &message)) {
        VLOG_ERR("%s: %s", netdev_get_name(&port->up), message);
        free(message);
        return false;
    }
    frame_pool_release(port->pool, port->n_frames);
    port->pool = pool;
    port->n_frames = n_frames;
    port->numa_id = wants->numa_id;
    return true;
}

static uint64_t
features_to_ol_flags(uint64_t features)
{
    const uint64_t tso = (VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO4)
                          | VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO6));

    return ((features & VHOST_F_BIT(VIRTIO_NET_F_GUEST_CSUM)
             ? NETDEV_TX_OFFLOAD_TCP_CKSUM | NETDEV_TX_OFFLOAD_UDP_CKSUM : 0)
            | ((features & tso) == tso ? NETDEV_TX_OFFLOAD_TCP_TSO : 0));
}

/* Opens the socket again if that was asked for, and makes of the port what its
 * guest wants.  No thread uses the port's queues meanwhile. */
void
vhost_port_reconfigure(struct vhost_port *port)
{
    struct netdev *netdev = &port->up;
    struct vhost_wants wants, later;

    ovs_mutex_lock(&port->mutex);
    if (port->reopen) {
        port->reopen = false;
        vhost_port_reopen(port);
    }
    if (port->dev && vhost_dev_get_wants(port->dev, &wants)) {
        vhost_dev_pause(port->dev);
        bool fits = vhost_port_fit_memory(port, &wants);
        int n_pairs = (fits ? wants.n_pairs
                       : MIN(wants.n_pairs, netdev->n_rxq));
        netdev->n_rxq = netdev->n_txq = n_pairs;
        netdev->ol_flags = features_to_ol_flags(wants.features);
        vhost_dev_run(port->dev, port->pool);
        if (!fits) {
            vhost_dev_forget_run(port->dev);
        }
        if (vhost_dev_get_wants(port->dev, &later)
            && memcmp(&later, &wants, sizeof later)) {
            /* Meanwhile, another guest took its place. */
            netdev_request_reconfigure(netdev);
        }
    }
    ovs_mutex_unlock(&port->mutex);
}

/* Returns 0, or EINVAL if no port can have that 'mtu'. */
int
vhost_port_set_mtu(struct vhost_port *port, int mtu)
{
    if (mtu < MIN_MTU || mtu > MAX_MTU) {
        VLOG_ERR("%s: an MTU of %d is not valid; it must be a number from %d "
                 "to %d", netdev_get_name(&port->up), mtu, MIN_MTU, MAX_MTU);
        return EINVAL;
    }

    ovs_mutex_lock(&port->mutex);
    if (mtu != port->mtu) {
        port->mtu = mtu;
        if (port->dev) {
            atomic_store_relaxed(&port->dev->mtu, mtu);
        }
        netdev_change_seq_changed(&port->up);
    }
    ovs_mutex_unlock(&port->mutex);
    return 0;
}

/* Makes 'port', whose 'up' Open vSwitch has made and whose other members are
 * zero, a port without options. */
void
vhost_port_init(struct vhost_port *port, bool is_client)
{
    port->is_client = is_client;
    ovs_mutex_init(&port->mutex);
    atomic_init(&port->tx_drop_no_socket, 0);
    eth_addr_random(&port->mac);
    port->mtu = ETH_PAYLOAD_MAX;
    port->flags = NETDEV_UP | NETDEV_PROMISC;
    port->numa_id = -1;
    port->up.n_rxq = port->up.n_txq = 1;

    port_error_init(&port->error, &port->up);
    port_error_repeat(&port->error);
}

void
vhost_port_destroy(struct vhost_port *port)
{
    port_error_destroy(&port->error);
    ovs_mutex_lock(&port->mutex);
    vhost_port_close(port);
    ovs_mutex_unlock(&port->mutex);
    if (port->pool) {
        frame_pool_release(port->pool, port->n_frames);
    }
    free(port->path);
    ovs_mutex_destroy(&port->mutex);
}
