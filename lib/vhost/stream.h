/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_STREAM_H
#define VHOST_STREAM_H 1

/* vhost-user messages on a Unix domain socket, with the descriptors that come
 * along, read and sent without waiting.  One thread at a time. */

#include <stdbool.h>
#include <stddef.h>

#include "vhost/messages.h"

#define VHOST_HEADER_SIZE sizeof(struct vhost_header)

/* A connection, and the message that is being read from it. */
struct vhost_stream {
    int fd;                     /* -1: there is none. */
    struct vhost_message in;
    size_t n_in;                /* Bytes of it that have come. */
    size_t n_fds;               /* Descriptors, of which the array has... */
    int fds[VHOST_MAX_FDS];     /* ...the first. */
    bool fds_lost;              /* The kernel could not pass all of them. */
};

void vhost_stream_init(struct vhost_stream *);
void vhost_stream_reset(struct vhost_stream *);
size_t vhost_stream_want(const struct vhost_stream *);
int vhost_stream_read(struct vhost_stream *);
int vhost_stream_send(int fd, const struct vhost_message *, const int fds[],
                      size_t n_fds);

#endif /* vhost/stream.h */
