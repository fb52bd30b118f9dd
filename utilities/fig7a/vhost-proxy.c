/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Between a guest and a vhost-user port: hides features from the guest. */

#include "vhost-proxy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(fig7a_vhost_proxy);

/* Messages, as the vhost-user specification has them.  They only set up what
 * guest and switch then share, so that packets do not come by here. */

#define VHOST_USER_GET_FEATURES 1
#define VHOST_USER_REPLY (1 << 2)       /* Of 'flags'. */

/* More than any message has. */
#define MAX_PAYLOAD 4096
#define MAX_FDS 32

struct header {
    uint32_t request;
    uint32_t flags;
    uint32_t size;              /* Of what follows. */
};

struct message {
    struct header header;
    uint8_t payload[MAX_PAYLOAD];
    int fds[MAX_FDS];
    size_t n_fds;
};

/* A control message with file descriptors. */
union control {
    struct cmsghdr align;
    char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
};

/* Reads 'size' bytes.  Returns 0, EOF or a positive errno value. */
static int
read_all(int fd, void *p_, size_t size)
{
    uint8_t *p = p_;

    while (size) {
        ssize_t n = read(fd, p, size);

        if (!n) {
            return EOF;
        } else if (n > 0) {
            p += n;
            size -= n;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* Receives 'm' from 'fd', with its file descriptors.  Returns 0, EOF or a
 * positive errno value. */
static int
receive_message(int fd, struct message *m)
{
    struct iovec iov = {
        .iov_base = &m->header, .iov_len = sizeof m->header
    };
    union control control;
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n;
    int error;

    m->n_fds = 0;
    do {
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return n ? errno : EOF;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
         c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof m->fds[0];
            memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof m->fds[0]);
        }
    }

    error = read_all(fd, (uint8_t *) &m->header + n, sizeof m->header - n);
    if (!error && m->header.size > sizeof m->payload) {
        error = EMSGSIZE;
    }
    return error ? error : read_all(fd, m->payload, m->header.size);
}

/* Sends 'm' to 'fd', with its file descriptors.  Returns 0 or a positive errno
 * value. */
static int
send_message(int fd, const struct message *m)
{
    size_t size = sizeof m->header + m->header.size;
    struct iovec iov = {
        .iov_base = CONST_CAST(struct header *, &m->header), .iov_len = size
    };
    union control control;
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

    BUILD_ASSERT_DECL(offsetof(struct message, payload)
                      == sizeof m->header);
    if (m->n_fds) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof control);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(m->n_fds * sizeof m->fds[0]);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(m->n_fds * sizeof m->fds[0]);
        memcpy(CMSG_DATA(c), m->fds, m->n_fds * sizeof m->fds[0]);
    }
    while (iov.iov_len) {
        ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

        if (n >= 0) {
            iov.iov_base = (uint8_t *) iov.iov_base + n;
            iov.iov_len -= n;
            /* They went with the first byte. */
            msg.msg_control = NULL;
            msg.msg_controllen = 0;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* Passes a message on.  If it is what the switch says that it can do, leaves
 * only what is in 'feature_mask'.  Returns 0, EOF or a positive errno
 * value. */
static int
pass_on(int from, int to, uint64_t feature_mask)
{
    struct message m;
    int error = receive_message(from, &m);

    if (!error) {
        uint64_t features;

        if (m.header.request == VHOST_USER_GET_FEATURES
            && m.header.flags & VHOST_USER_REPLY
            && m.header.size == sizeof features) {
            memcpy(&features, m.payload, sizeof features);
            features &= feature_mask;
            memcpy(m.payload, &features, sizeof features);
        }
        error = send_message(to, &m);
    }
    for (size_t i = 0; i < m.n_fds; i++) {
        close(m.fds[i]);
    }
    return error;
}

/* Passes messages on between 'guest' and 'port' until one of them goes. */
static int
relay(int guest, int port, uint64_t feature_mask)
{
    struct pollfd pfds[] = {
        { .fd = guest, .events = POLLIN },
        { .fd = port, .events = POLLIN },
    };
    int error = 0;

    while (!error) {
        if (poll(pfds, ARRAY_SIZE(pfds), -1) < 0) {
            error = errno == EINTR ? 0 : errno;
            continue;
        }
        for (int i = 0; i < 2 && !error; i++) {
            if (pfds[i].revents) {
                error = pass_on(pfds[i].fd, pfds[!i].fd, feature_mask);
            }
        }
    }
    return error;
}

/* Fills in 'sun'.  Returns 0 or a positive errno value. */
static int
make_address(struct sockaddr_un *sun, const char *path)
{
    memset(sun, 0, sizeof *sun);
    sun->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof sun->sun_path) {
        return ENAMETOOLONG;
    }
    strcpy(sun->sun_path, path);
    return 0;
}

/* Makes a socket at 'path', or with 'connects' one that is connected to it.
 * Returns it, or a negative errno value. */
static int
open_socket(const char *path, bool connects)
{
    struct sockaddr_un sun;
    int error = make_address(&sun, path);
    int fd;

    if (error) {
        return -error;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connects) {
        error = connect(fd, (struct sockaddr *) &sun, sizeof sun) ? errno : 0;
    } else {
        mode_t mask = umask(0177);

        error = (bind(fd, (struct sockaddr *) &sun, sizeof sun)
                 || listen(fd, 1) ? errno : 0);
        umask(mask);
    }
    if (error) {
        close(fd);
        return -error;
    }
    return fd;
}

/* What the child does. */
static void OVS_NO_RETURN
proxy_main(int listener, const char *listen_path, const char *connect_path,
           uint64_t feature_mask)
{
    int guest, port, error;

    do {
        guest = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    } while (guest < 0 && errno == EINTR);
    if (guest < 0) {
        VLOG_ERR("%s: %s", listen_path, ovs_strerror(errno));
        _exit(EXIT_FAILURE);
    }
    unlink(listen_path);

    port = open_socket(connect_path, true);
    if (port < 0) {
        VLOG_ERR("%s: %s", connect_path, ovs_strerror(-port));
        _exit(EXIT_FAILURE);
    }
    error = relay(guest, port, feature_mask);
    if (error != EOF && error != ECONNRESET && error != EPIPE) {
        VLOG_ERR("between %s and %s: %s", listen_path, connect_path,
                 ovs_strerror(error));
        _exit(EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);
}

/* Makes the socket 'listen_path', for one guest to connect to, and starts a
 * child that then connects it to the vhost-user port with the socket
 * 'connect_path', which may be made later.  The guest is only offered the
 * features in 'feature_mask'.  Returns the child's process ID, or a negative
 * errno value.
 *
 * The child ends when the guest or the port goes, when it is killed, or when
 * this thread ends.  It is to be waited for. */
pid_t
fig7a_vhost_proxy_start(const char *listen_path, const char *connect_path,
                        uint64_t feature_mask)
{
    int listener = open_socket(listen_path, false);
    pid_t parent = getpid();
    pid_t pid;

    if (listener < 0) {
        return listener;
    }
    fflush(NULL);
    pid = fork();
    if (!pid) {
        /* Not what the parent does, which may be just to take note. */
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        proxy_main(listener, listen_path, connect_path, feature_mask);
    } else if (pid < 0) {
        pid = -errno;
        unlink(listen_path);
    }
    close(listener);
    return pid;
}
