/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A test of lib/vhost/notify.c, and of what datapath-plugins/ puts in place of
 * the C library's eventfd_write(): that is for librte_vhost alone. */

#include "vhost/notify.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL (UINT64_MAX - 1)

/* To us, the function is that of the C library. */
static void
test_eventfd_write(void)
{
    int fd = eventfd(0, EFD_NONBLOCK);
    eventfd_t value;

    assert(fd >= 0);
    errno = EBADMSG;
    assert(!eventfd_write(fd, 5) && errno == EBADMSG);
    assert(!eventfd_read(fd, &value) && value == 5);
    assert(!eventfd_write(fd, FULL));
    assert(eventfd_write(fd, 1) == -1 && errno == EAGAIN);
    close(fd);
    assert(eventfd_write(fd, 1) == -1 && errno == EBADF);
}

/* If this waited for anything, the alarm would end it. */
static void
test_notify(void)
{
    int blocking = eventfd(0, 0);
    eventfd_t value;
    int pair[2];

    assert(blocking >= 0);
    errno = EBADMSG;
    assert(!vhost_notify(blocking) && !vhost_notify(blocking));
    assert(errno == EBADMSG);
    assert(!eventfd_read(blocking, &value) && value == 2);
    assert(!eventfd_write(blocking, FULL));
    assert(!vhost_notify(blocking) || errno == EBADMSG);
    assert(!eventfd_read(blocking, &value) && value >= FULL);
    close(blocking);

    assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    assert(!vhost_notify(pair[0]));
    assert(read(pair[1], &value, sizeof value) == sizeof value && value == 1);
    while (!vhost_notify(pair[0])) {
        continue;
    }
    assert(vhost_notify(pair[0]) == EAGAIN);
    close(pair[1]);
    assert(vhost_notify(pair[0]) == EPIPE);
    close(pair[0]);

    assert(vhost_notify(-1) == EBADF);
}

int
main(void)
{
    alarm(60);
    test_eventfd_write();
    test_notify();
    puts("notified");
    return 0;
}
