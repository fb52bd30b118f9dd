/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/stream.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util.h"

/* The most descriptors that the kernel passes at a time, see unix(7). */
#define SCM_MAX_FD 253

BUILD_ASSERT_DECL(offsetof(struct vhost_message, payload)
                  == VHOST_HEADER_SIZE);

/* Makes '*s' one without a connection. */
void
vhost_stream_init(struct vhost_stream *s)
{
    memset(s, 0, sizeof *s);
    s->fd = -1;
}

/* Forgets the message and closes its descriptors.  The connection stays. */
void
vhost_stream_reset(struct vhost_stream *s)
{
    for (size_t i = 0; i < MIN(s->n_fds, VHOST_MAX_FDS); i++) {
        close(s->fds[i]);
    }
    s->n_in = s->n_fds = 0;
    s->fds_lost = false;
}

/* Keeps the descriptors of 'c', or closes those for which there is no room. */
static void
vhost_stream_take_fds(struct vhost_stream *s, const struct cmsghdr *c)
{
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < n; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
        if (s->n_fds < VHOST_MAX_FDS) {
            s->fds[s->n_fds] = fd;
        } else {
            close(fd);
        }
        s->n_fds++;
    }
}

/* Bytes of the message as far as it is known. */
size_t
vhost_stream_want(const struct vhost_stream *s)
{
    return (VHOST_HEADER_SIZE
            + (s->n_in < VHOST_HEADER_SIZE ? 0 : s->in.header.size));
}

/* Reads, without waiting, until the header is there or, if it is already, until
 * all is.  The size that the header gives must have been found to be at most
 * VHOST_MAX_PAYLOAD by then.  Descriptors that come along belong to '*s'.
 *
 * Returns 0, EAGAIN if not all of that has come yet, EOF, or another positive
 * errno value; see recvmsg(2). */
int
vhost_stream_read(struct vhost_stream *s)
{
    size_t want = vhost_stream_want(s);

    while (s->n_in < want) {
        struct iovec iov = {
            .iov_base = (uint8_t *) &s->in + s->n_in,
            .iov_len = want - s->n_in,
        };
        union {
            struct cmsghdr align;
            char buf[CMSG_SPACE(SCM_MAX_FD * sizeof(int))];
        } control;
        struct msghdr msg = {
            .msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control,
        };
        ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n <= 0) {
            if (n && errno == EINTR) {
                continue;
            }
            return n ? errno : EOF;
        }
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
             c = CMSG_NXTHDR(&msg, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
                vhost_stream_take_fds(s, c);
            }
        }
        s->fds_lost |= (msg.msg_flags & MSG_CTRUNC) != 0;
        s->n_in += n;
    }
    return 0;
}

/* Sends 'm' with 'n_fds' descriptors, which stay the caller's, to 'fd', without
 * waiting.  Returns 0 or a positive errno value, EAGAIN if there is no room for
 * all of it; a part may have been sent then, so the connection is to end. */
int
vhost_stream_send(int fd, const struct vhost_message *m, const int fds[],
                  size_t n_fds)
{
    size_t size = VHOST_HEADER_SIZE + m->header.size;
    struct iovec iov = {
        .iov_base = CONST_CAST(struct vhost_message *, m), .iov_len = size,
    };
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(VHOST_MAX_FDS * sizeof(int))];
    } control;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    if (n_fds) {
        memset(&control, 0, sizeof control);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof *fds);

        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n_fds * sizeof *fds);
        memcpy(CMSG_DATA(c), fds, n_fds * sizeof *fds);
    }
    do {
        n = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? errno : n == size ? 0 : EAGAIN;
}
