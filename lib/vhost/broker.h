/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_BROKER_H
#define VHOST_BROKER_H 1

/* Stands between guests and librte_vhost.
 *
 * A thread of its own listens on the sockets of ports, or connects to those of
 * guests, and reads what guests say, without ever waiting for one of them.
 * Each message is checked when it is there in full, with its descriptors, and
 * then handed on through another socket, which nobody else can reach.  The
 * next one follows when librte_vhost has acted on it.  Answers go back the
 * same way, and so do librte_vhost's own requests.
 *
 * Packets do not come by here: guest and librte_vhost share memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost/messages.h"
#include "vhost/socket.h"

/* What the owner of a port is told and asked, in the broker's thread, with its
 * mutex held: so none of these may call a function of this file, or wait for
 * librte_vhost. */
struct vhost_broker_ops {
    /* A guest has come, and no other is there. */
    void (*connected)(void *owner);

    /* It has gone, or was disconnected.  librte_vhost may still use its
     * memory. */
    void (*disconnected)(void *owner);

    /* Another has come while one was there. */
    void (*turned_away)(void *owner);

    /* For a port that connects: nobody could be reached, because of 'reason'.
     * Null: somebody has been. */
    void (*waiting)(void *owner, const char *reason);

    /* These are vhost_messages_check_header() and vhost_messages_check() for
     * the connection. */
    const char *(*check_header)(void *owner, const struct vhost_header *,
                                size_t n_fds);
    const char *(*check)(void *owner, const struct vhost_message *,
                         size_t n_fds, struct vhost_todo *);

    /* The guest is being disconnected because of its message 'request', or
     * one that is not known yet (0). */
    void (*refused)(void *owner, uint32_t request, const char *reason);
};

struct vhost_broker_config {
    const char *path;           /* Of the socket. */
    const struct vhost_socket_access *access;   /* Null: we connect to it. */
    int backend;                /* O_PATH descriptor of librte_vhost's socket,
                                 * which stays the caller's. */
    const struct vhost_broker_ops *ops;
    void *owner;
};

struct vhost_broker_port;

int vhost_broker_add(const struct vhost_broker_config *,
                     struct vhost_broker_port **, char **errp);
void vhost_broker_remove(struct vhost_broker_port *);

#endif /* vhost/broker.h */
