/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef AFXDP_PORT_H
#define AFXDP_PORT_H 1

/* A port on a Linux device, with its packets carried by AF_XDP sockets. */

#include <stdbool.h>
#include <stdint.h>

#include "afxdp-options.h"
#include "netdev-linux.h"
#include "netdev-provider.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "port-error.h"
#include "xsk/socket.h"

/* Defines static functions that not every includer uses. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "netdev-linux-private.h"
#pragma GCC diagnostic pop

struct afxdp_sockets;
struct rtnetlink_change;
struct smap;

struct afxdp_port {
    struct netdev_linux linux_;
    bool is_interrupt;                  /* Not polled.  Constant. */
    struct port_error error;

    /* Protects all that follows.  To be taken after that of 'linux_', see
     * afxdp_port_numa_id(). */
    struct ovs_mutex mutex;

    struct afxdp_options requested;
    bool has_options;                   /* 'requested' is valid. */
    bool reopen;                        /* The device or 'requested' has
                                         * changed. */
    int device_mtu;                     /* As last told by the kernel. */
    struct xsk_stats past_stats;        /* Of sockets closed since. */
    uint64_t past_lost_tags;            /* Of programs detached since. */
    atomic_uint64_t tx_drop_no_socket;

    /* Null while the device is away.  Changes only while no thread uses the
     * port's queues, so these read it without the mutex. */
    struct afxdp_sockets *sockets;
};

int afxdp_port_init(struct afxdp_port *, bool is_interrupt);
void afxdp_port_destroy(struct afxdp_port *);

int afxdp_port_set_config(struct afxdp_port *, const struct smap *,
                          char **errp);
void afxdp_port_get_config(struct afxdp_port *, struct smap *);
void afxdp_port_reconfigure(struct afxdp_port *);
int afxdp_port_set_mtu(struct afxdp_port *, int mtu);
void afxdp_port_link_changed(struct afxdp_port *,
                             const struct rtnetlink_change *);

#endif /* afxdp-port.h */
