/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The life of an AF_XDP port: its options, its sockets, its MTU, its device
 * that comes and goes. */

#include "afxdp-port.h"

#include <errno.h>
#include <net/if.h>

#include "afxdp-sockets.h"
#include "eal.h"
#include "openvswitch/vlog.h"
#include "rtnetlink.h"
#include "util.h"
#include "xsk/program.h"
#include "xsk/socket.h"

VLOG_DEFINE_THIS_MODULE(afxdp_port);

/* The main thread serves each receive queue of a device once in a turn of its
 * loop, with one burst, and a turn has much other work.  To let it take more
 * at a time, an interrupt-driven port shows each socket as this many queues,
 * which it serves one after the other.  They are looked at even if the port is
 * idle, so more would slow other ports. */
#define INTERRUPT_BURSTS 32

/* Returns the NUMA node of the device, -1 if it has none.
 *
 * Like netdev_get_mtu(), this takes the mutex of 'linux_', and therefore must
 * come before that of the port: with the former held, netdev-linux may call
 * afxdp_port_link_changed(), which takes the latter. */
static int
afxdp_port_numa_id(const struct netdev *netdev)
{
    int numa_id = NETDEV_NUMA_UNSPEC;

    /* It would remember that a device is on node 0 that is not there yet. */
    if (if_nametoindex(netdev_get_name(netdev))) {
        numa_id = netdev_get_numa_id(netdev);
    }
    return numa_id == NETDEV_NUMA_UNSPEC ? -1 : numa_id;
}

/* Puts 'sockets', just opened, in service. */
static void
afxdp_port_use(struct afxdp_port *port, struct afxdp_sockets *sockets)
    OVS_REQUIRES(port->mutex)
{
    struct netdev *netdev = &port->linux_.up;

    port->sockets = sockets;
    netdev->n_rxq = sockets->n_xsks * (port->is_interrupt
                                       ? INTERRUPT_BURSTS : 1);
    netdev->n_txq = sockets->n_txq;
    netdev->ol_flags = (sockets->xsks[0]->tx_csum
                        ? NETDEV_TX_OFFLOAD_TCP_CKSUM
                        | NETDEV_TX_OFFLOAD_UDP_CKSUM
                        : 0);
}

/* Takes 'options', the first ones of 'port', by opening its device.  'mtu' is
 * that of the device, 0 if not known. */
static int
afxdp_port_take_first_options(struct afxdp_port *port,
                              const struct afxdp_options *options, int numa_id,
                              int mtu, char **errp)
    OVS_REQUIRES(port->mutex)
{
    const char *name = netdev_get_name(&port->linux_.up);
    struct afxdp_sockets *sockets;
    int error;

    error = afxdp_sockets_open(name, options, numa_id, &sockets, errp);
    if (error) {
        return error;
    }
    if (mtu) {
        *errp = afxdp_sockets_check_mtu(name, sockets, mtu);
        if (*errp) {
            afxdp_sockets_close(sockets, NULL);
            return EMSGSIZE;
        }
    }

    port->device_mtu = mtu;
    port->requested = *options;
    port->has_options = true;
    afxdp_port_use(port, sockets);
    return 0;
}

/* Takes 'options' in place of earlier ones of 'port'.  If they are not those
 * in force, reconfigure() closes the device and opens it with them. */
static void
afxdp_port_take_options(struct afxdp_port *port,
                        const struct afxdp_options *options)
    OVS_REQUIRES(port->mutex)
{
    bool is_new = memcmp(options, &port->requested, sizeof *options);
    bool in_force = (port->sockets && !memcmp(options, &port->sockets->options,
                                              sizeof *options));

    port->requested = *options;
    if (!port->sockets || (is_new && !in_force)) {
        port->reopen = true;
        netdev_request_reconfigure(&port->linux_.up);
    }
    if (port_error_is_set(&port->error, PORT_ERROR_CONFIG)) {
        if (in_force) {
            /* It was about options that have been taken back.  There is
             * nothing for reconfigure() to do. */
            port_error_set(&port->error, PORT_ERROR_CONFIG, NULL);
        } else if (!is_new) {
            port_error_repeat(&port->error);
        }
    }
}

/* A new port is opened right here, so that the bridge sees the error and does
 * not add it.  For a port in service this only checks the options, and
 * reconfigure() will change over: no thread uses its queues then.  In that
 * case bad options leave the port as it is, and the error goes to the "error"
 * column: if we returned it, the bridge would remove the port. */
int
afxdp_port_set_config(struct afxdp_port *port, const struct smap *args,
                      char **errp)
{
    const struct netdev *netdev = &port->linux_.up;
    const char *name = netdev_get_name(netdev);
    struct afxdp_options options;
    char *message = NULL;
    int error;

    error = afxdp_options_parse(name, args, &options, &message);
    if (!error) {
        error = eal_start(name, &message);
    }

    int numa_id = afxdp_port_numa_id(netdev);
    int mtu = 0;
    if (netdev_get_mtu(netdev, &mtu)) {
        mtu = 0;
    }

    ovs_mutex_lock(&port->mutex);

    /* If an MTU has been refused, the device still has its own, and the new
     * configuration may ask for another. */
    port_error_reset(&port->error, PORT_ERROR_MTU,
                     mtu && port->sockets
                     ? afxdp_sockets_check_mtu(name, port->sockets, mtu)
                     : NULL);

    if (!port->has_options) {
        if (!error) {
            error = afxdp_port_take_first_options(port, &options, numa_id, mtu,
                                                  &message);
        }
        if (error) {
            VLOG_ERR("%s", message);
            *errp = message;
        }
    } else if (!error) {
        afxdp_port_take_options(port, &options);
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
afxdp_port_get_config(struct afxdp_port *port, struct smap *args)
{
    ovs_mutex_lock(&port->mutex);
    if (port->sockets) {
        struct afxdp_options options = port->sockets->options;

        options.n_rxq = port->sockets->n_xsks;
        afxdp_options_format(&options, args);
    }
    ovs_mutex_unlock(&port->mutex);
}

/* Checks 'mtu', which 'port' is to have or has got.  Returns true, with an
 * error to show, if the port cannot carry it. */
static bool
afxdp_port_note_mtu(struct afxdp_port *port, int mtu)
    OVS_REQUIRES(port->mutex)
{
    const char *name = netdev_get_name(&port->linux_.up);
    char *error = NULL;

    if (port->sockets) {
        error = afxdp_sockets_check_mtu(name, port->sockets, mtu);
    }
    port_error_set(&port->error, PORT_ERROR_MTU, error);
    return error != NULL;
}

/* Opens the port anew, with the requested options, or else with those that it
 * had.  If neither works, the port stays in the datapath without sockets until
 * its device changes or it is configured again. */
static void
afxdp_port_reopen(struct afxdp_port *port, int numa_id)
    OVS_REQUIRES(port->mutex)
{
    const char *name = netdev_get_name(&port->linux_.up);
    struct afxdp_options previous = (port->sockets ? port->sockets->options
                                     : port->requested);
    struct afxdp_sockets *sockets = NULL;
    char *message = NULL;
    char *ignored = NULL;

    if (port->sockets) {
        port->past_lost_tags += xsk_program_n_lost_tags(port->sockets->prog);
        afxdp_sockets_close(port->sockets, &port->past_stats);
        port->sockets = NULL;
    }
    port->reopen = false;

    if (afxdp_sockets_open(name, &port->requested, numa_id, &sockets, &message)
        && memcmp(&previous, &port->requested, sizeof previous)) {
        if (!afxdp_sockets_open(name, &previous, numa_id, &sockets,
                                &ignored)) {
            char *refused = message;

            message = xasprintf("%s; the previous options stay in force",
                                refused);
            free(refused);
        }
        free(ignored);
    }
    if (sockets) {
        afxdp_port_use(port, sockets);
    }
    port_error_set(&port->error, PORT_ERROR_CONFIG, message);
}

/* Opens the port anew if that was asked for.  No thread uses its queues
 * meanwhile. */
void
afxdp_port_reconfigure(struct afxdp_port *port)
{
    struct netdev *netdev = &port->linux_.up;
    int numa_id = afxdp_port_numa_id(netdev);
    int mtu = 0;
    bool has_mtu = !netdev_get_mtu(netdev, &mtu);

    ovs_mutex_lock(&port->mutex);
    if (port->has_options && port->reopen) {
        afxdp_port_reopen(port, numa_id);
        if (has_mtu) {
            afxdp_port_note_mtu(port, mtu);
        }
    }
    ovs_mutex_unlock(&port->mutex);
}

/* Returns 0 or a positive errno value. */
int
afxdp_port_set_mtu(struct afxdp_port *port, int mtu)
{
    ovs_mutex_lock(&port->mutex);
    bool refused = afxdp_port_note_mtu(port, mtu);
    ovs_mutex_unlock(&port->mutex);
    return refused ? EINVAL : netdev_linux_class.set_mtu(&port->linux_.up,
                                                         mtu);
}

/* Looks at the device of 'port' when a link has changed, which may be another,
 * or with a null 'change' when the kernel had to drop such messages.  Main
 * thread. */
void
afxdp_port_link_changed(struct afxdp_port *port,
                        const struct rtnetlink_change *change)
{
    struct netdev *netdev = &port->linux_.up;
    const char *name = netdev_get_name(netdev);

    ovs_mutex_lock(&port->mutex);
    const struct afxdp_sockets *sockets = port->sockets;
    int ifindex = sockets ? sockets->ifindex : 0;

    if (change && change->if_index != ifindex
        && !(change->ifname && !strcmp(change->ifname, name))) {
        ovs_mutex_unlock(&port->mutex);
        return;
    }
    if (!change) {
        /* netdev-linux also reports a change of MAC address this way, while it
         * updates the device and holds its mutex. */
        if (!ovs_mutex_trylock(&port->linux_.mutex)) {
            port->linux_.cache_valid = 0;
            ovs_mutex_unlock(&port->linux_.mutex);
        }
        netdev_change_seq_changed(netdev);
    }

    /* A device that has left the namespace and is back already is the same in
     * name and number, but the kernel has unbound our sockets. */
    if (if_nametoindex(name) != ifindex
        || (sockets && xsk_lost_device(sockets->xsks[0]))) {
        port->reopen = true;
        netdev_request_reconfigure(netdev);
    }

    if (change && change->if_index == ifindex && change->mtu
        && change->mtu != port->device_mtu) {
        port->device_mtu = change->mtu;
        afxdp_port_note_mtu(port, change->mtu);
    }
    ovs_mutex_unlock(&port->mutex);
}

/* Makes 'port', whose 'linux_.up' Open vSwitch has made and whose other
 * members are zero, a port without options.  Returns 0 or a positive errno
 * value. */
int
afxdp_port_init(struct afxdp_port *port, bool is_interrupt)
{
    struct netdev *netdev = &port->linux_.up;
    int error = netdev_linux_construct(netdev);

    if (error) {
        return error;
    }

    /* netdev-linux offers what the device's own transmit path can do. */
    netdev->ol_flags = 0;
    port->is_interrupt = is_interrupt;
    ovs_mutex_init(&port->mutex);
    port_error_init(&port->error, netdev);
    atomic_init(&port->tx_drop_no_socket, 0);
    return 0;
}

void
afxdp_port_destroy(struct afxdp_port *port)
{
    port_error_destroy(&port->error);
    afxdp_sockets_close(port->sockets, NULL);
    ovs_mutex_destroy(&port->mutex);
    netdev_linux_class.destruct(&port->linux_.up);
}
