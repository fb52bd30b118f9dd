/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_memory.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(vhost_memory);

/* A guest's memory is a file that belongs to its hypervisor, which can make
 * the file shorter at any time.  Who then touches what was there, as
 * librte_vhost does, gets SIGBUS; see mmap(2).  That shall not be the end of
 * the daemon: the mapping is replaced by one of zeros, which no one shares.
 * The guest's rings are empty from then on, or out of order, as if the guest
 * itself had written that there. */

static struct sigaction old_action;
static atomic_count n_replaced = ATOMIC_COUNT_INIT(0);

/* What is read of /proc/self/maps, one character at a time. */
struct reader {
    int fd;
    size_t n, ofs;
    unsigned char buf[1024];
};

/* The next character, -1 at the end. */
static int
next_char(struct reader *r)
{
    if (r->ofs >= r->n) {
        ssize_t n = read(r->fd, r->buf, sizeof r->buf);

        if (n <= 0) {
            return -1;
        }
        r->n = n;
        r->ofs = 0;
    }
    return r->buf[r->ofs++];
}

/* Reads a hexadecimal number and the character behind it. */
static uintptr_t
next_number(struct reader *r, int *end)
{
    uintptr_t x = 0;

    for (;;) {
        int c = next_char(r);

        if (c >= '0' && c <= '9') {
            x = x * 16 + (c - '0');
        } else if (c >= 'a' && c <= 'f') {
            x = x * 16 + (c - 'a' + 10);
        } else {
            *end = c;
            return x;
        }
    }
}

/* A line of /proc/self/maps. */
struct mapping {
    uintptr_t start, end;
    bool shared;
    bool anonymous;             /* Of no file. */
};

/* Finds the mapping that has 'addr'; see proc(5).  Calls nothing that
 * signal-safety(7) forbids in a signal handler. */
static bool
find_mapping(uintptr_t addr, struct mapping *m)
{
    struct reader r = { .fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
    bool found = false;

    if (r.fd < 0) {
        return false;
    }
    for (int c = 0; c >= 0 && !found; ) {
        m->start = next_number(&r, &c);
        m->end = next_number(&r, &c);
        for (int i = 0; i < 4 && c >= 0; i++) {
            c = next_char(&r);          /* Such as "rw-s". */
        }
        m->shared = c == 's';
        next_char(&r);
        next_number(&r, &c);            /* The offset in the file... */
        next_number(&r, &c);            /* ...its device, in two parts... */
        next_number(&r, &c);
        m->anonymous = !next_number(&r, &c);    /* ...and its inode. */
        found = addr >= m->start && addr < m->end && c >= 0;
        while (c >= 0 && c != '\n') {
            c = next_char(&r);
        }
    }
    close(r.fd);
    return found;
}

/* Replaces the mapping that has 'addr', a guest's memory, unless another
 * thread has just done so. */
static bool
replace_mapping(uintptr_t addr)
{
    struct mapping m;

    if (!find_mapping(addr, &m)) {
        return false;
    } else if (!m.shared) {
        return m.anonymous;
    }
    if (mmap((void *) m.start, m.end - m.start, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) == MAP_FAILED) {
        return false;
    }
    atomic_count_inc(&n_replaced);
    return true;
}

/* Of SIGBUS, in the thread that has touched the memory, which then tries
 * again. */
static void
handle_sigbus(int signr, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    bool replaced;

    /* DPDK's own memory is never cut off: there, something else is wrong. */
    replaced = (info->si_code == BUS_ADRERR
                && !rte_mem_virt2memseg_list(info->si_addr)
                && replace_mapping((uintptr_t) info->si_addr));
    errno = saved_errno;
    if (replaced) {
        return;
    } else if (old_action.sa_flags & SA_SIGINFO) {
        old_action.sa_sigaction(signr, info, context);
    } else if (old_action.sa_handler != SIG_DFL
               && old_action.sa_handler != SIG_IGN) {
        old_action.sa_handler(signr);
    } else {
        signal(signr, SIG_DFL);         /* It comes again. */
    }
}

/* Has the daemon survive that the memory of a guest is taken away.  May be
 * called more than once.  Main thread. */
void
vhost_memory_init(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;

    if (ovsthread_once_start(&once)) {
        struct sigaction action = {
            .sa_sigaction = handle_sigbus,
            .sa_flags = SA_SIGINFO,
        };

        if (sigaction(SIGBUS, &action, &old_action)) {
            VLOG_WARN("SIGBUS cannot be handled (%s): a hypervisor that "
                      "truncates its guest's memory ends this daemon",
                      ovs_strerror(errno));
        }
        ovsthread_once_done(&once);
    }
}

/* Says what the handler may not.  Main thread. */
void
vhost_memory_run(void)
{
    static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);
    static unsigned int n_logged;
    unsigned int n = atomic_count_get(&n_replaced);

    if (n != n_logged) {
        n_logged = n;
        VLOG_ERR_RL(&rl, "the memory of a vhost-user guest was taken away "
                    "(its file was truncated); its rings are dead until it "
                    "connects again");
    }
}
