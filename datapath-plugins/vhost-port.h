/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_PORT_H
#define VHOST_PORT_H 1

/* A vhost-user port, from the options that it is given to the device of
 * librte_vhost that serves it. */

#include <stdbool.h>
#include <stdint.h>

#include "netdev-provider.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "port-error.h"
#include "vhost-options.h"
#include "vhost/device.h"

struct frame_pool;
struct smap;

struct vhost_port {
    struct netdev up;
    bool is_client;                     /* Connects to a socket.  Constant. */
    struct port_error error;

    /* Protects all that follows. */
    struct ovs_mutex mutex;

    struct vhost_options requested;
    struct vhost_options options;       /* In force for new connections. */
    bool has_options;                   /* Both are valid. */
    bool reopen;                        /* 'requested' takes a new socket. */
    char *path;                         /* Of the socket. */
    struct eth_addr mac;
    int mtu;
    enum netdev_flags flags;
    struct vhost_stats past_stats;      /* Of devices closed since... */
    long long int past_resets;          /* ...and their carrier resets. */
    atomic_uint64_t tx_drop_no_socket;

    struct frame_pool *pool;
    uint32_t n_frames;                  /* Reserved in 'pool'. */
    int numa_id;                        /* Asked of the pool; -1: any. */

    /* Null if the socket could not be made again.  Changes only while no
     * thread uses the port's queues, so these read it without the mutex. */
    struct vhost_dev *dev;
};

void vhost_port_init(struct vhost_port *, bool is_client);
void vhost_port_destroy(struct vhost_port *);

int vhost_port_set_config(struct vhost_port *, const struct smap *,
                          char **errp);
void vhost_port_get_config(struct vhost_port *, struct smap *);
void vhost_port_reconfigure(struct vhost_port *);
int vhost_port_set_mtu(struct vhost_port *, int mtu);

#endif /* vhost-port.h */
