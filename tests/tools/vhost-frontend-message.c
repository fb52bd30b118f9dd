/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* The connection of a guest's device to its back-end, and the messages of the
 * vhost-user protocol. */

#include "vhost-frontend.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

static int
socket_address(const char *path, struct sockaddr_un *un)
{
    memset(un, 0, sizeof *un);
    un->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof un->sun_path) {
        return ENAMETOOLONG;
    }
    strcpy(un->sun_path, path);
    return 0;
}

/* Connects to the back-end that listens at 'path'.  If nobody does yet, waits
 * for it. */
int
vfe_connect(struct vfe *vfe, const char *path)
{
    long long int deadline = now_ms() + vfe->timeout_ms;
    struct sockaddr_un un;

    vfe->step = "connect";
    int error = socket_address(path, &un);
    if (error) {
        return error;
    }

    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0) {
            return errno;
        }
        if (!connect(fd, (struct sockaddr *) &un, sizeof un)) {
            vfe->fd = fd;
            return 0;
        }
        error = errno;
        close(fd);
        if ((error != ENOENT && error != ECONNREFUSED && error != EAGAIN)
            || !ms_left(deadline)) {
            return error;
        }
        usleep(20 * 1000);
    }
}

/* Makes a socket at 'path', for a back-end that connects. */
int
vfe_listen(const char *path, int *listen_fd)
{
    struct sockaddr_un un;
    int error = socket_address(path, &un);

    if (error) {
        return error;
    }
    unlink(path);
    *listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*listen_fd < 0) {
        return errno;
    }
    if (bind(*listen_fd, (struct sockaddr *) &un, sizeof un)
        || listen(*listen_fd, 8)) {
        error = errno;
        close(*listen_fd);
        return error;
    }
    return 0;
}

int
vfe_accept(struct vfe *vfe, int listen_fd)
{
    struct pollfd pfd = { .fd = listen_fd, .events = POLLIN };

    vfe->step = "accept";
    if (poll(&pfd, 1, vfe->timeout_ms) <= 0) {
        return ETIMEDOUT;
    }
    vfe->fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    return vfe->fd < 0 ? errno : 0;
}

/* Closes the connection, without any farewell. */
void
vfe_disconnect(struct vfe *vfe)
{
    if (vfe->fd >= 0) {
        close(vfe->fd);
        vfe->fd = -1;
    }
}

/* Sends the 'n' bytes at 'data' just as they are, with 'n_fds' file
 * descriptors, which remain the caller's. */
int
vfe_send_raw(struct vfe *vfe, const void *data, size_t n, const int *fds,
             size_t n_fds)
{
    long long int deadline = now_ms() + vfe->timeout_ms;
    union {
        char bytes[CMSG_SPACE(VFE_MAX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = { .iov_base = (void *) data, .iov_len = n };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    assert(n_fds <= VFE_MAX_FDS);
    if (n_fds) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));

        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
    }

    while (iov.iov_len) {
        ssize_t sent = sendmsg(vfe->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            iov.iov_base = (char *) iov.iov_base + sent;
            iov.iov_len -= sent;
            msg.msg_control = NULL;
            msg.msg_controllen = 0;
        } else if (errno == EPIPE) {
            return ECONNRESET;
        } else if (errno != EAGAIN && errno != ETOOMANYREFS) {
            return errno;
        } else {
            struct pollfd pfd = { .fd = vfe->fd, .events = POLLOUT };
            int left = ms_left(deadline);

            if (!left) {
                return ETIMEDOUT;
            } else if (errno == ETOOMANYREFS) {
                usleep(1000);       /* Too many are on their way. */
            } else {
                poll(&pfd, 1, left);
            }
        }
    }
    return 0;
}

/* Sends a message.  VERSION is added to 'flags'. */
int
vfe_send(struct vfe *vfe, uint32_t request, uint32_t flags,
         const void *payload, size_t size, const int *fds, size_t n_fds)
{
    uint8_t bytes[sizeof(struct vfe_header) + sizeof(struct vfe_payload)];
    struct vfe_header header = {
        .request = request,
        .flags = flags | VFE_VERSION,
        .size = size,
    };

    assert(size <= sizeof(struct vfe_payload));
    memcpy(bytes, &header, sizeof header);
    if (size) {
        memcpy(bytes + sizeof header, payload, size);
    }
    return vfe_send_raw(vfe, bytes, sizeof header + size, fds, n_fds);
}

/* Reads exactly 'n' bytes. */
static int
read_all(struct vfe *vfe, void *data, size_t n, long long int deadline)
{
    while (n) {
        struct pollfd pfd = { .fd = vfe->fd, .events = POLLIN };

        if (poll(&pfd, 1, ms_left(deadline)) <= 0) {
            return ETIMEDOUT;
        }

        ssize_t got = recv(vfe->fd, data, n, MSG_DONTWAIT);
        if (!got) {
            return ECONNRESET;
        } else if (got > 0) {
            data = (char *) data + got;
            n -= got;
        } else if (errno != EAGAIN) {
            return errno;
        }
    }
    return 0;
}

/* Receives a message. */
int
vfe_recv(struct vfe *vfe, struct vfe_header *header,
         struct vfe_payload *payload)
{
    long long int deadline = now_ms() + vfe->timeout_ms;
    int error = read_all(vfe, header, sizeof *header, deadline);

    memset(payload, 0, sizeof *payload);
    if (error) {
        return error;
    } else if (header->size > sizeof *payload) {
        return EPROTO;
    }
    return read_all(vfe, payload, header->size, deadline);
}

/* Sends a message and receives the answer to it. */
int
vfe_transact(struct vfe *vfe, uint32_t request, const void *payload,
             size_t size, struct vfe_payload *answer)
{
    struct vfe_header header;
    int error = vfe_send(vfe, request, 0, payload, size, NULL, 0);

    if (!error) {
        error = vfe_recv(vfe, &header, answer);
    }
    return (error ? error
            : header.request != request || !(header.flags & VFE_REPLY) ? EPROTO
            : 0);
}

int
vfe_get_u64(struct vfe *vfe, uint32_t request, uint64_t *value)
{
    struct vfe_payload answer;
    int error = vfe_transact(vfe, request, NULL, 0, &answer);

    *value = error ? 0 : answer.u64;
    return error;
}

/* Sends a message that has no answer of its own.  If the peer acknowledges
 * messages, waits for that: EREMOTEIO means that it has refused. */
int
vfe_command(struct vfe *vfe, uint32_t request, const void *payload,
            size_t size, const int *fds, size_t n_fds)
{
    bool ack = vfe->protocol & VFE_BIT(VFE_P_REPLY_ACK);
    struct vfe_payload answer;
    struct vfe_header header;

    int error = vfe_send(vfe, request, ack ? VFE_NEED_REPLY : 0, payload,
                         size, fds, n_fds);
    if (error || !ack) {
        return error;
    }
    error = vfe_recv(vfe, &header, &answer);
    return (error ? error
            : header.request != request || !(header.flags & VFE_REPLY) ? EPROTO
            : answer.u64 ? EREMOTEIO
            : 0);
}

int
vfe_set_u64(struct vfe *vfe, uint32_t request, uint64_t value)
{
    return vfe_command(vfe, request, &value, sizeof value, NULL, 0);
}

int
vfe_set_state(struct vfe *vfe, uint32_t request, uint32_t index, uint32_t num)
{
    struct vfe_vring_state state = { .index = index, .num = num };

    return vfe_command(vfe, request, &state, sizeof state, NULL, 0);
}

/* Waits until the peer has dealt with all messages so far. */
int
vfe_sync(struct vfe *vfe)
{
    uint64_t features;

    vfe->step = "wait for the peer";
    return vfe_get_u64(vfe, VFE_GET_FEATURES, &features);
}

/* Waits until the peer closes the connection.  Messages that come are left
 * unread. */
int
vfe_wait_closed(struct vfe *vfe, int timeout_ms)
{
    struct pollfd pfd = { .fd = vfe->fd, .events = POLLRDHUP };

    return poll(&pfd, 1, timeout_ms) > 0 ? 0 : ETIMEDOUT;
}
