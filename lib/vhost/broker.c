/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "vhost/descriptors.h"
#include "vhost/stream.h"

VLOG_DEFINE_THIS_MODULE(vhost_broker);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(20, 20);

/* How long a guest may take from the first byte of a message to its last, in
 * ms.  Only the guest itself waits meanwhile. */
#define MESSAGE_TIMEOUT_MS 5000

/* How often a port tries to connect while nobody listens, in ms. */
#define CONNECT_INTERVAL_MS 250

/* How long no guest is accepted after that has failed for want of
 * descriptors, in ms. */
#define ACCEPT_PAUSE_MS 100

/* What of a port an event is about: the lowest bits of epoll_data.u64, of
 * which the rest is the number of the port.  The last is about none. */
#define SOURCE_BITS 3
enum source {
    LISTENER, GUEST, BACKEND, OLD_BACKEND, REQUESTS, WAKE_UP
};

struct vhost_broker_port {
    struct hmap_node node;      /* In 'ports', by 'id'. */
    uint64_t id;
    char *path;
    int target;                 /* O_PATH descriptor of librte_vhost's. */
    const struct vhost_broker_ops *ops;
    void *owner;

    /* Either: we listen. */
    int listener;               /* Or -1. */
    long long int accept_at;    /* LLONG_MAX: it is polled. */

    /* Or: we connect. */
    long long int connect_at;   /* While there is no guest. */
    char *reason;               /* Why the last attempt failed, or null. */

    struct vhost_stream guest;
    long long int deadline;     /* For the message, LLONG_MAX for none. */
    struct vhost_stream backend;        /* To librte_vhost.  None as long as
                                         * there is an old one. */
    int old_backend;            /* Of the last guest, until librte_vhost has
                                 * closed its end.  -1: none. */

    /* The message that librte_vhost has got and not acted on. */
    bool pending;
    uint32_t request;
    struct vhost_todo todo;

    struct vhost_stream requests;       /* librte_vhost's requests... */
    int requests_out;           /* ...and where they go, the guest's. */
};

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct hmap ports OVS_GUARDED_BY(mutex) = HMAP_INITIALIZER(&ports);
static uint64_t next_id OVS_GUARDED_BY(mutex);

/* Constant once the thread runs. */
static int epoll_fd = -1;
static int wake_fd = -1;

/* Polling. */

static void
poll_set(int op, int fd, const struct vhost_broker_port *port,
         enum source source, uint32_t events)
{
    struct epoll_event event = {
        .events = events,
        .data.u64 = port->id << SOURCE_BITS | source,
    };

    if (epoll_ctl(epoll_fd, op, fd, &event)) {
        VLOG_ERR_RL(&rl, "epoll_ctl: %s", ovs_strerror(errno));
    }
}

/* The kernel polls a file until its last descriptor is closed, and others may
 * have one: a child that is being started, for one. */
static void
poll_close(int *fd)
{
    if (*fd >= 0) {
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
        close(*fd);
        *fd = -1;
    }
}

static void
stream_close(struct vhost_stream *s)
{
    vhost_stream_reset(s);
    poll_close(&s->fd);
}

/* Guests. */

/* Ends the connection of the guest of 'port'. */
static void
end_guest(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    stream_close(&port->guest);
    stream_close(&port->requests);
    if (port->requests_out >= 0) {
        close(port->requests_out);
        port->requests_out = -1;
    }
    port->pending = false;
    port->deadline = LLONG_MAX;

    /* librte_vhost gets all that it was sent, and then closes its end; only
     * then may another guest come to it. */
    if (port->backend.fd >= 0) {
        vhost_stream_reset(&port->backend);
        shutdown(port->backend.fd, SHUT_WR);
        port->old_backend = port->backend.fd;
        port->backend.fd = -1;
        poll_set(EPOLL_CTL_MOD, port->old_backend, port, OLD_BACKEND, EPOLLIN);
    }
    port->connect_at = MAX(port->connect_at, time_msec());
    port->ops->disconnected(port->owner);
}

/* The same, because of 'reason'. */
static void
refuse(struct vhost_broker_port *port, uint32_t request, const char *reason)
    OVS_REQUIRES(mutex)
{
    port->ops->refused(port->owner, request, reason);
    end_guest(port);
}

/* Gives 'm' to the guest as the answer to 'request'.  False if the guest has
 * been disconnected. */
static bool
answer(struct vhost_broker_port *port, uint32_t request,
       const struct vhost_message *m, const int fds[], size_t n_fds)
    OVS_REQUIRES(mutex)
{
    int error = vhost_stream_send(port->guest.fd, m, fds, n_fds);

    if (error == EAGAIN || error == EWOULDBLOCK) {
        refuse(port, request, "the answers to others have not been read");
    } else if (error) {
        end_guest(port);
    }
    return !error;
}

static bool
answer_u64(struct vhost_broker_port *port, uint32_t request, uint64_t value)
    OVS_REQUIRES(mutex)
{
    struct vhost_message m = {
        .header = {
            .request = request,
            .flags = VHOST_FLAG_VERSION | VHOST_FLAG_REPLY,
            .size = sizeof value,
        },
    };

    memcpy(m.payload, &value, sizeof value);
    return answer(port, request, &m, NULL, 0);
}

/* Reads on from the guest. */
static void
listen_to_guest(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    poll_set(EPOLL_CTL_MOD, port->guest.fd, port, GUEST,
             EPOLLIN | EPOLLONESHOT);
}

/* Puts a pair of sockets in place of the descriptor of SET_BACKEND_REQ_FD,
 * through which librte_vhost sends its requests: the guest's may be full, or
 * no socket at all. */
static bool
redirect_requests(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                   pair)) {
        return false;
    }
    stream_close(&port->requests);
    if (port->requests_out >= 0) {
        close(port->requests_out);
    }
    port->requests_out = port->guest.fds[0];
    port->guest.fds[0] = pair[0];
    port->requests.fd = pair[1];
    poll_set(EPOLL_CTL_ADD, pair[1], port, REQUESTS, EPOLLIN);
    return true;
}

/* Hands the guest's message to librte_vhost.  Unless it has an answer of its
 * own, librte_vhost is asked for one: otherwise nobody would know when it has
 * acted on it. */
static const char *
hand_on(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream *guest = &port->guest;
    struct vhost_message m = guest->in;

    if (m.header.request == VHOST_USER_SET_BACKEND_REQ_FD
        && !redirect_requests(port)) {
        return "there are no descriptors for its requests";
    }
    m.header.flags = (VHOST_FLAG_VERSION
                      | (port->todo.action == VHOST_PASS
                         ? VHOST_FLAG_NEED_REPLY : 0));
    if (vhost_stream_send(port->backend.fd, &m, guest->fds, guest->n_fds)) {
        return "DPDK does not take it";
    }
    port->pending = true;
    port->request = m.header.request;
    return NULL;
}

/* Deals with the guest's message, which is there in full. */
static void
handle_message(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream *guest = &port->guest;
    struct vhost_todo *todo = &port->todo;
    uint32_t request = guest->in.header.request;
    const char *reason;
    bool goes_on = true;

    port->deadline = LLONG_MAX;
    memset(guest->in.payload + guest->in.header.size, 0,
           sizeof guest->in.payload - guest->in.header.size);
    reason = (guest->fds_lost ? "not all of its descriptors could be received"
              : port->ops->check(port->owner, &guest->in, guest->n_fds, todo));
    if (!reason) {
        reason = vhost_descriptors_check(guest->fds, guest->n_fds, todo);
    }
    if (!reason) {
        switch (todo->action) {
        case VHOST_PASS:
        case VHOST_ASK:
        case VHOST_ASK_TABLE:
            reason = hand_on(port);
            break;

        case VHOST_ANSWER:
            goes_on = answer_u64(port, request, todo->value);
            break;

        case VHOST_ACCEPT:
            goes_on = !todo->ack || answer_u64(port, request, 0);
            break;
        }
    }
    if (reason) {
        refuse(port, request, reason);
    } else if (goes_on) {
        vhost_stream_reset(guest);
        if (!port->pending) {
            listen_to_guest(port);
        }
    }
}

static void
run_guest(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream *guest = &port->guest;
    int error;

    if (guest->fd < 0 || port->pending || port->backend.fd < 0) {
        return;                 /* The event was about another. */
    }
    do {
        bool has_header = guest->n_in >= VHOST_HEADER_SIZE;

        error = vhost_stream_read(guest);
        if (!error && !has_header) {
            const char *reason;

            reason = port->ops->check_header(port->owner, &guest->in.header,
                                             guest->n_fds);
            if (reason) {
                refuse(port, guest->in.header.request, reason);
                return;
            }
        }
    } while (!error && guest->n_in < vhost_stream_want(guest));

    if (!error) {
        handle_message(port);
    } else if (error == EAGAIN || error == EWOULDBLOCK) {
        if (guest->n_in && port->deadline == LLONG_MAX) {
            port->deadline = time_msec() + MESSAGE_TIMEOUT_MS;
        }
        listen_to_guest(port);
    } else {
        end_guest(port);
    }
}

/* Lets librte_vhost go on that waits for the guest to confirm what it has got
 * as an answer to SET_MEM_TABLE.  The guest will, but may take its time, and
 * all others would wait with librte_vhost. */
static void
confirm_table(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    const struct vhost_message m = {
        .header = {
            .request = port->request,
            .flags = VHOST_FLAG_VERSION,
            .size = sizeof(uint64_t),
        },
    };

    vhost_stream_send(port->backend.fd, &m, NULL, 0);
}

static void
run_backend(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream *backend = &port->backend;
    const struct vhost_todo *todo = &port->todo;
    uint64_t failed = 0;
    bool goes_on = true;
    int error;

    if (backend->fd < 0) {
        return;
    }
    do {
        error = vhost_stream_read(backend);
        if (!error && backend->in.header.size > VHOST_MAX_PAYLOAD) {
            error = EMSGSIZE;
        }
    } while (!error && backend->n_in < vhost_stream_want(backend));
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return;
    }

    if (!error && port->pending && todo->action == VHOST_PASS) {
        memcpy(&failed, backend->in.payload, sizeof failed);
    }
    if (error || !port->pending || failed) {
        if (port->pending) {
            refuse(port, port->request, "DPDK cannot act on it");
        } else {
            VLOG_WARN_RL(&rl, "%s: DPDK has ended the connection", port->path);
            end_guest(port);
        }
        return;
    }

    port->pending = false;
    if (todo->action == VHOST_ASK || todo->action == VHOST_ASK_TABLE) {
        goes_on = answer(port, port->request, &backend->in, backend->fds,
                         MIN(backend->n_fds, VHOST_MAX_FDS));
    } else if (todo->ack) {
        goes_on = answer_u64(port, port->request, 0);
    }
    if (goes_on) {
        if (todo->action == VHOST_ASK_TABLE) {
            confirm_table(port);
        }
        vhost_stream_reset(backend);
        listen_to_guest(port);
    }
}

/* librte_vhost requests something of the guest. */
static void
run_requests(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream *requests = &port->requests;
    int error;

    if (requests->fd < 0) {
        return;
    }
    do {
        error = vhost_stream_read(requests);
        if (!error && requests->in.header.size > VHOST_MAX_PAYLOAD) {
            error = EMSGSIZE;
        }
    } while (!error && requests->n_in < vhost_stream_want(requests));
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return;
    } else if (error) {
        stream_close(requests);
        return;
    }

    const char *reason = vhost_messages_check_backend_request(&requests->in,
                                                              requests->n_fds);
    if (reason) {
        VLOG_WARN_RL(&rl, "%s: request %"PRIu32" of DPDK was dropped, since "
                     "%s", port->path, requests->in.header.request, reason);
    } else {
        error = vhost_stream_send(port->requests_out, &requests->in, NULL, 0);
        if (error == EAGAIN || error == EWOULDBLOCK) {
            refuse(port, VHOST_USER_SET_BACKEND_REQ_FD,
                   "the requests to the guest are not read");
            return;
        }
    }
    vhost_stream_reset(requests);
}

/* Connects the guest, which may have been waiting for that, to
 * librte_vhost. */
static void
connect_backend(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof un.sun_path, "/proc/self/fd/%d",
             port->target);
    if (fd < 0 || connect(fd, (struct sockaddr *) &un, sizeof un)) {
        VLOG_WARN_RL(&rl, "%s: DPDK cannot be reached: %s", port->path,
                     ovs_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        end_guest(port);
        return;
    }
    port->backend.fd = fd;
    poll_set(EPOLL_CTL_ADD, fd, port, BACKEND, EPOLLIN);
    poll_set(EPOLL_CTL_ADD, port->guest.fd, port, GUEST,
             EPOLLIN | EPOLLONESHOT);
}

static void
run_old_backend(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    struct vhost_stream s = { .fd = port->old_backend };
    int error;

    if (s.fd < 0) {
        return;
    }

    /* Answers that nobody waits for any more. */
    do {
        error = vhost_stream_read(&s);
        vhost_stream_reset(&s);
        s.in.header.size = 0;
    } while (!error);
    if (error != EAGAIN && error != EWOULDBLOCK) {
        poll_close(&port->old_backend);
        if (port->guest.fd >= 0) {
            connect_backend(port);
        }
    }
}

/* Makes 'fd' the guest of 'port', which has none. */
static void
begin_guest(struct vhost_broker_port *port, int fd)
    OVS_REQUIRES(mutex)
{
    port->guest.fd = fd;
    port->ops->connected(port->owner);
    if (port->old_backend < 0) {
        connect_backend(port);
    }
}

static void
run_listener(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    int fd = accept4(port->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM
            || errno == ENOBUFS) {
            VLOG_WARN_RL(&rl, "%s: a guest cannot be accepted: %s",
                         port->path, ovs_strerror(errno));
            poll_set(EPOLL_CTL_MOD, port->listener, port, LISTENER, 0);
            port->accept_at = time_msec() + ACCEPT_PAUSE_MS;
        }
        return;
    }

    /* What the last one has said and we have not read is lost with it. */
    if (port->guest.fd >= 0 && vhost_socket_is_closed(port->guest.fd)) {
        end_guest(port);
    }
    if (port->guest.fd >= 0) {
        close(fd);
        port->ops->turned_away(port->owner);
    } else {
        begin_guest(port, fd);
    }
}

/* The thread. */

static struct vhost_broker_port *
find_port(uint64_t id)
    OVS_REQUIRES(mutex)
{
    struct vhost_broker_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_uint64(id), &ports) {
        if (port->id == id) {
            return port;
        }
    }
    return NULL;
}

static void
run_event(uint64_t data)
    OVS_REQUIRES(mutex)
{
    struct vhost_broker_port *port = find_port(data >> SOURCE_BITS);
    enum source source = data & ((1 << SOURCE_BITS) - 1);
    uint64_t n;

    if (source == WAKE_UP) {
        ignore(read(wake_fd, &n, sizeof n));
    } else if (port) {
        switch (source) {
        case LISTENER:
            run_listener(port);
            break;
        case GUEST:
            run_guest(port);
            break;
        case BACKEND:
            run_backend(port);
            break;
        case OLD_BACKEND:
            run_old_backend(port);
            break;
        case REQUESTS:
            run_requests(port);
            break;
        case WAKE_UP:
            OVS_NOT_REACHED();
        }
    }
}

/* Does what is due.  Returns a time by which to call this again. */
static long long int
run_timers(void)
    OVS_REQUIRES(mutex)
{
    struct vhost_broker_port *port;
    long long int next = LLONG_MAX;
    long long int now = time_msec();

    HMAP_FOR_EACH (port, node, &ports) {
        if (now >= port->deadline) {
            const struct vhost_stream *guest = &port->guest;
            char *reason = xasprintf("it was not complete after %d ms",
                                     MESSAGE_TIMEOUT_MS);

            refuse(port, (guest->n_in < VHOST_HEADER_SIZE ? 0
                          : guest->in.header.request), reason);
            free(reason);
        }
        if (now >= port->accept_at) {
            port->accept_at = LLONG_MAX;
            poll_set(EPOLL_CTL_MOD, port->listener, port, LISTENER, EPOLLIN);
        }
        next = MIN(next, MIN(port->deadline, port->accept_at));
        if (port->listener < 0 && port->guest.fd < 0) {
            next = MIN(next, port->connect_at);
        }
    }
    return next;
}

/* Returns a port that is to connect now, or null. */
static struct vhost_broker_port *
next_to_connect(void)
    OVS_REQUIRES(mutex)
{
    struct vhost_broker_port *port;
    long long int now = time_msec();

    HMAP_FOR_EACH (port, node, &ports) {
        if (port->listener < 0 && port->guest.fd < 0
            && now >= port->connect_at) {
            return port;
        }
    }
    return NULL;
}

/* Connects all ports that are to.  The mutex is not held meanwhile: a path may
 * lead anywhere, also to where it takes long. */
static void
run_connects(void)
    OVS_EXCLUDED(mutex)
{
    struct vhost_broker_port *port;

    ovs_mutex_lock(&mutex);
    while ((port = next_to_connect())) {
        uint64_t id = port->id;
        char *path = xstrdup(port->path);
        char *reason = NULL;

        port->connect_at = time_msec() + CONNECT_INTERVAL_MS;
        ovs_mutex_unlock(&mutex);
        int fd = vhost_socket_connect(path, &reason);
        ovs_mutex_lock(&mutex);
        port = find_port(id);
        if (!port) {
            if (fd >= 0) {
                close(fd);
            }
        } else {
            if (!nullable_string_is_equal(reason, port->reason)) {
                free(port->reason);
                port->reason = nullable_xstrdup(reason);
                port->ops->waiting(port->owner, reason);
            }
            if (fd >= 0) {
                begin_guest(port, fd);
            }
        }
        free(path);
        free(reason);
    }
    ovs_mutex_unlock(&mutex);
}

static void *
broker_main(void *nothing OVS_UNUSED)
{
    long long int next = LLONG_MAX;

    /* Nothing here is protected by RCU, and a hypervisor can make some calls
     * take long. */
    ovsrcu_quiesce_start();
    for (;;) {
        struct epoll_event events[64];
        long long int left = (next == LLONG_MAX ? -1
                              : MAX(next - time_msec(), 0));

        int n = epoll_wait(epoll_fd, events, ARRAY_SIZE(events),
                           MIN(left, INT_MAX));

        ovs_mutex_lock(&mutex);
        for (int i = 0; i < n; i++) {
            run_event(events[i].data.u64);
        }
        ovs_mutex_unlock(&mutex);
        run_connects();
        ovs_mutex_lock(&mutex);
        next = run_timers();
        ovs_mutex_unlock(&mutex);
    }
    return NULL;
}

static void
start_thread(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;

    if (ovsthread_once_start(&once)) {
        struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_UP };

        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (epoll_fd < 0 || wake_fd < 0
            || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event)) {
            ovs_fatal(errno, "vhost-user: epoll");
        }
        ovs_thread_create("vhost_broker", broker_main, NULL);
        ovsthread_once_done(&once);
    }
}

static void
destroy_port(struct vhost_broker_port *port)
    OVS_REQUIRES(mutex)
{
    poll_close(&port->listener);
    stream_close(&port->guest);
    stream_close(&port->backend);
    stream_close(&port->requests);
    poll_close(&port->old_backend);
    if (port->requests_out >= 0) {
        close(port->requests_out);
    }
    free(port->path);
    free(port->reason);
    free(port);
}

/* Serves guests as 'config' says, from now on and with callbacks already
 * before this returns.  Returns 0 with '*portp' set, for the caller to
 * vhost_broker_remove(), or a positive errno value with '*errp' set to a
 * message for the caller to free. */
int
vhost_broker_add(const struct vhost_broker_config *config,
                 struct vhost_broker_port **portp, char **errp)
{
    const uint64_t one = 1;
    int listener = -1;

    start_thread();
    if (config->access) {
        listener = vhost_socket_listen(config->path, config->access, errp);
        if (listener < 0) {
            return -listener;
        }
    }

    struct vhost_broker_port *port = xzalloc(sizeof *port);
    port->path = xstrdup(config->path);
    port->target = config->backend;
    port->ops = config->ops;
    port->owner = config->owner;
    port->listener = listener;
    port->accept_at = port->deadline = LLONG_MAX;
    vhost_stream_init(&port->guest);
    vhost_stream_init(&port->backend);
    vhost_stream_init(&port->requests);
    port->old_backend = port->requests_out = -1;

    ovs_mutex_lock(&mutex);
    port->id = next_id++;
    hmap_insert(&ports, &port->node, hash_uint64(port->id));
    if (listener >= 0) {
        poll_set(EPOLL_CTL_ADD, listener, port, LISTENER, EPOLLIN);
    }
    ovs_mutex_unlock(&mutex);
    ignore(write(wake_fd, &one, sizeof one));
    *portp = port;
    return 0;
}

/* Ends 'port' and its connection, and removes its socket.  There are no
 * callbacks any more when this returns, and was none for that. */
void
vhost_broker_remove(struct vhost_broker_port *port)
{
    if (port) {
        ovs_mutex_lock(&mutex);
        hmap_remove(&ports, &port->node);
        if (port->listener >= 0) {
            unlink(port->path);
        }
        destroy_port(port);
        ovs_mutex_unlock(&mutex);
    }
}
