/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/notify.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vhost_notify);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* Operations of which the kernel may keep the results for us. */
#define MAX_RESULTS 64

/* What a thread needs for asynchronous I/O; see io_submit(2). */
struct aio {
    aio_context_t context;
    int error;                  /* Positive errno value: it cannot be had. */
    unsigned int n_results;     /* Not taken yet. */
    bool socket_first;          /* The last file was a socket. */
};
static ovsthread_key_t aio_key;

/* A descriptor of /dev/null. */
static int null_fd = -1;

static struct aio *
aio_get(void)
{
    struct aio *aio = ovsthread_getspecific(aio_key);

    if (!aio) {
        aio = xzalloc(sizeof *aio);
        if (null_fd < 0 || syscall(SYS_io_setup, MAX_RESULTS, &aio->context)) {
            aio->error = null_fd < 0 ? -null_fd : errno;
            VLOG_WARN("asynchronous I/O cannot be used (%s): a hypervisor "
                      "can make this thread wait", ovs_strerror(aio->error));
        }
        ovsthread_setspecific(aio_key, aio);
    }
    return aio;
}

static void
aio_destroy(void *aio_)
{
    struct aio *aio = aio_;

    if (!aio->error) {
        syscall(SYS_io_destroy, aio->context);
    }
    free(aio);
}

static void
aio_take_results(struct aio *aio)
{
    struct io_event events[MAX_RESULTS];
    struct timespec no_time = { .tv_sec = 0 };

    syscall(SYS_io_getevents, aio->context, 0, MAX_RESULTS, events, &no_time);
    aio->n_results = 0;
}

/* For want of asynchronous I/O.  Between the two calls, a hypervisor that
 * means harm can still make this wait. */
static int
add_by_write(int fd)
{
    struct pollfd pfd = { .fd = fd, .events = POLLOUT };
    eventfd_t one = 1;

    if (poll(&pfd, 1, 0) <= 0) {
        return EAGAIN;
    }
    return write(fd, &one, sizeof one) < 0 ? errno : 0;
}

/* Adds one to eventfd 'fd', or leaves it as it is if it is full.  Does so by
 * having the kernel announce there that nothing has been read from /dev/null,
 * which takes half as long again as write(2), but ignores O_NONBLOCK.
 *
 * Returns 0 or a positive errno value, EINVAL if 'fd' is not an eventfd. */
static int
add_to_eventfd(struct aio *aio, int fd)
{
    struct iocb read_nothing = {
        .aio_lio_opcode = IOCB_CMD_PREAD,
        .aio_fildes = null_fd,
        .aio_flags = IOCB_FLAG_RESFD,
        .aio_resfd = fd,
    };
    struct iocb *iocb = &read_nothing;

    if (aio->error) {
        return add_by_write(fd);
    }
    if (aio->n_results >= MAX_RESULTS) {
        aio_take_results(aio);
    }
    if (syscall(SYS_io_submit, aio->context, 1, &iocb) != 1) {
        return errno;
    }
    aio->n_results++;
    return 0;
}

/* Sends a one through 'fd' if that is a socket with room, as User Mode Linux
 * has it.  Returns 0 or a positive errno value, ENOTSOCK if 'fd' is not a
 * socket. */
static int
add_to_socket(int fd)
{
    const eventfd_t one = 1;

    return (send(fd, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL) < 0
            ? errno : 0);
}

static int
add_to_file(struct aio *aio, int fd, bool is_socket)
{
    return is_socket ? add_to_socket(fd) : add_to_eventfd(aio, fd);
}

/* Adds one to 'fd', by which a guest wants to be notified, without ever
 * waiting.  Returns 0 or a positive errno value, EAGAIN if there are
 * notifications already that the guest has not seen.  Any thread. */
int
vhost_notify(int fd)
{
    vhost_notify_init();        /* It may be the guest of another type. */

    struct aio *aio = aio_get();
    bool is_socket = aio->socket_first;
    int error = add_to_file(aio, fd, is_socket);

    if (error == EINVAL || error == ENOTSOCK) {
        error = add_to_file(aio, fd, !is_socket);
        if (error == EINVAL || error == ENOTSOCK) {
            VLOG_WARN_RL(&rl, "a guest wants to be notified through a file "
                         "that is neither an eventfd nor a socket: it is not");
        } else {
            aio->socket_first = !is_socket;
        }
    }
    return error;
}

/* True if the function 'name', which librte_vhost calls, is one of this
 * program. */
static bool
is_replaced(const char *name)
{
    void *f = dlsym(RTLD_DEFAULT, name);
    Dl_info theirs, ours;

    return (f && dladdr(f, &theirs) && dladdr(&null_fd, &ours)
            && theirs.dli_fbase == ours.dli_fbase);
}

/* Opens what vhost_notify() needs, and says so if that is not what notifies
 * guests.  May be called more than once, from any thread. */
void
vhost_notify_init(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;

    if (ovsthread_once_start(&once)) {
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null_fd < 0) {
            null_fd = -errno;
        }
        ovsthread_key_create(&aio_key, aio_destroy);
        if (!is_replaced("eventfd_write")
            || !is_replaced("rte_malloc_socket")) {
            VLOG_ERR("DPDK does not call this program's own eventfd_write() "
                     "and rte_malloc_socket(): a hypervisor can make a thread "
                     "wait, and a guest take its memory");
        }
        ovsthread_once_done(&once);
    }
}
