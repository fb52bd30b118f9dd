/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_malloc.h>
#include <rte_version.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "next-function.h"
#include "util.h"

/* Where the descriptors are in librte_vhost's own structure is not part of its
 * interface, but has been the same from DPDK 22.11 to 24.11 at least.  With
 * another release, they are not looked at. */
#define KNOWS_FDS (RTE_VERSION >= RTE_VERSION_NUM(22, 11, 0, 0)     \
                   && RTE_VERSION < RTE_VERSION_NUM(24, 12, 0, 0))

BUILD_ASSERT_DECL(offsetof(struct vhost_message, fds) == 644);
BUILD_ASSERT_DECL(offsetof(struct vhost_message, n_fds) == 676);

/* Flags of a message: it is an answer; its sender waits for one, if
 * PROTOCOL_F_REPLY_ACK has been negotiated. */
#define FLAG_REPLY (1 << 2)
#define FLAG_NEED_REPLY (1 << 3)

/* In the payload of SET_VRING_KICK, _CALL and _ERR: no descriptor. */
#define NO_FD (1 << 8)

/* The largest virtqueue; see "Virtqueues" in the virtio specification. */
#define MAX_RING_SIZE 32768

#define MAX_REGIONS 8

/* Bits of virtio and vhost-user features. */
#define F_EVENT_IDX 29
#define F_ACCESS_PLATFORM 33
#define F_RING_PACKED 34

enum {
    PROTOCOL_F_LOG_SHMFD = 1,
    PROTOCOL_F_RARP = 2,
    PROTOCOL_F_REPLY_ACK = 3,
    PROTOCOL_F_MTU = 4,
    PROTOCOL_F_BACKEND_REQ = 5,
    PROTOCOL_F_PAGEFAULT = 8,
    PROTOCOL_F_STATUS = 16,
};

enum {
    GET_FEATURES = VHOST_USER_GET_FEATURES,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    RESET_OWNER = VHOST_USER_RESET_OWNER,
    SET_MEM_TABLE = 5,
    SET_LOG_BASE = 6,
    SET_LOG_FD = 7,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    GET_VRING_BASE = 11,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    SET_VRING_ERR = 14,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    GET_QUEUE_NUM = VHOST_USER_GET_QUEUE_NUM,
    SET_VRING_ENABLE = 18,
    SEND_RARP = 19,
    NET_SET_MTU = 20,
    SET_BACKEND_REQ_FD = 21,
    IOTLB_MSG = 22,
    POSTCOPY_ADVISE = 28,
    POSTCOPY_LISTEN = 29,
    POSTCOPY_END = 30,
    SET_STATUS = 39,
    GET_STATUS = 40,
    N_REQUESTS
};

/* The messages that there is a use for.  All others are refused: crash
 * recovery (GET_INFLIGHT_FD) and device configuration are never offered. */
static const struct {
    bool known;
    uint8_t size;               /* Smallest payload, in bytes. */
    uint8_t max_fds;
    int8_t feature;             /* If positive, a feature that it needs... */
    int8_t protocol_feature;    /* ...and a protocol feature. */
} requests[N_REQUESTS] = {
    [GET_FEATURES] = { true, 0, 0, 0, 0 },
    [SET_FEATURES] = { true, 8, 0, 0, 0 },
    [SET_OWNER] = { true, 0, 0, 0, 0 },
    [RESET_OWNER] = { true, 0, 0, 0, 0 },
    [SET_MEM_TABLE] = { true, 40, MAX_REGIONS, 0, 0 },
    [SET_LOG_BASE] = { true, 16, 1, 0, PROTOCOL_F_LOG_SHMFD },
    [SET_LOG_FD] = { true, 0, 1, 0, 0 },
    [SET_VRING_NUM] = { true, 8, 0, 0, 0 },
    [SET_VRING_ADDR] = { true, 40, 0, 0, 0 },
    [SET_VRING_BASE] = { true, 8, 0, 0, 0 },
    [GET_VRING_BASE] = { true, 8, 0, 0, 0 },
    [SET_VRING_KICK] = { true, 8, 1, 0, 0 },
    [SET_VRING_CALL] = { true, 8, 1, 0, 0 },
    [SET_VRING_ERR] = { true, 8, 1, 0, 0 },
    [GET_PROTOCOL_FEATURES] = { true, 0, 0, 0, 0 },
    [SET_PROTOCOL_FEATURES] = { true, 8, 0, 0, 0 },
    [GET_QUEUE_NUM] = { true, 0, 0, 0, 0 },
    [SET_VRING_ENABLE] = { true, 8, 0, 0, 0 },
    [SEND_RARP] = { true, 8, 0, 0, PROTOCOL_F_RARP },
    [NET_SET_MTU] = { true, 8, 0, 0, PROTOCOL_F_MTU },
    [SET_BACKEND_REQ_FD] = { true, 0, 1, 0, PROTOCOL_F_BACKEND_REQ },
    [IOTLB_MSG] = { true, 32, 0, F_ACCESS_PLATFORM, 0 },
    [POSTCOPY_ADVISE] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT },
    [POSTCOPY_LISTEN] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT },
    [POSTCOPY_END] = { true, 0, 0, 0, PROTOCOL_F_PAGEFAULT },
    [SET_STATUS] = { true, 8, 0, 0, PROTOCOL_F_STATUS },
    [GET_STATUS] = { true, 0, 0, 0, PROTOCOL_F_STATUS },
};

/* Payloads. */

struct ring_state {
    uint32_t index;
    uint32_t num;
};

struct memory_region {
    uint64_t guest_addr;
    uint64_t size;
    uint64_t user_addr;
    uint64_t offset;            /* In the file. */
};

struct memory_table {
    uint32_t n_regions;
    uint32_t padding;
    struct memory_region regions[MAX_REGIONS];
};

struct log_base {
    uint64_t size;
    uint64_t offset;
};

static bool
has_bit(uint64_t bits, int bit)
{
    return bits & (UINT64_C(1) << bit);
}

/* True if the kernel itself has the pages of the file 'fd': those of a FUSE
 * file come from another process, which may let us wait for each, and even for
 * fstat(2).  Only tmpfs, and so memfd, and hugetlbfs know seals; see fcntl(2).
 * Other such files are on a disk or are devices. */
static bool
is_kernels_own(int fd)
{
    struct statx s;

    return (fcntl(fd, F_GET_SEALS) >= 0
            || (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                       STATX_TYPE, &s)
                && (s.stx_dev_major || S_ISCHR(s.stx_mode))));
}

/* True if the file 'fd' has all of the 'size' bytes from 'offset' on, and they
 * can be mapped: to find that out half way would leave librte_vhost with rings
 * in memory that it has unmapped. */
static bool
can_map(int fd, uint64_t offset, uint64_t size)
{
    struct stat s;

    if (!size || offset + size < size || !is_kernels_own(fd) || fstat(fd, &s)
        || (S_ISREG(s.st_mode) && offset + size > s.st_size)
        || s.st_blksize <= 0) {
        return false;
    }

    /* As librte_vhost maps it: from the start of the file, in whole pages,
     * which may be huge and then must be there. */
    uint64_t len = ROUND_UP(offset + size, s.st_blksize);
    if (len < offset + size) {
        return false;
    }
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p != MAP_FAILED && !munmap(p, len);
}

/* Checks 'message', which describes the guest's memory, and notes it. */
static const char *
check_memory(struct vhost_filter *filter, const struct vhost_message *message)
{
    struct memory_table table;
    uint64_t size = 0;

    memcpy(&table, message->payload, sizeof table);
    if (!table.n_regions || table.n_regions > MAX_REGIONS
        || message->size < 8 + table.n_regions * sizeof table.regions[0]) {
        return "its number of memory regions is not valid";
    }
    if (KNOWS_FDS && message->n_fds != table.n_regions) {
        return "it has not one descriptor for each memory region";
    }
    for (uint32_t i = 0; i < table.n_regions; i++) {
        const struct memory_region *r = &table.regions[i];

        if (!r->size || r->guest_addr + r->size < r->size
            || r->user_addr + r->size < r->size) {
            return "a memory region is empty or wraps around";
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct memory_region *q = &table.regions[j];

            if (r->guest_addr < q->guest_addr + q->size
                && q->guest_addr < r->guest_addr + r->size) {
                return "memory regions overlap";
            }
        }
        if (KNOWS_FDS && !can_map(message->fds[i], r->offset, r->size)) {
            return "a memory region cannot be mapped";
        }
        size += r->size;
    }
    filter->n_regions = table.n_regions;
    filter->memory_size = size;
    return NULL;
}

static const char *
check_ring_size(const struct vhost_filter *filter, uint32_t size)
{
    if (!size || size > MAX_RING_SIZE
        || (!has_bit(filter->features, F_RING_PACKED) && !IS_POW2(size))) {
        return "the size of the ring is not valid";
    }
    return NULL;
}

/* Keeps the threads that move packets from waiting for the guest. */
static void
make_fds_nonblocking(const struct vhost_message *message)
{
    for (int i = 0; KNOWS_FDS && i < message->n_fds; i++) {
        int flags = fcntl(message->fds[i], F_GETFL);

        if (flags >= 0 && !(flags & O_NONBLOCK)) {
            fcntl(message->fds[i], F_SETFL, flags | O_NONBLOCK);
        }
    }
}

/* Checks 'message', about ring 'state->index', and notes what it does. */
static const char *
check_ring(struct vhost_filter *filter, const struct vhost_message *message,
           const struct ring_state *state)
{
    const char *reason = NULL;
    uint32_t ring = state->index;

    if (message->request == SET_VRING_KICK
        || message->request == SET_VRING_CALL
        || message->request == SET_VRING_ERR) {
        ring &= NO_FD - 1;
    }
    if (ring >= filter->n_rings) {
        return "there is no such ring";
    }

    switch (message->request) {
    case SET_VRING_NUM:
        reason = check_ring_size(filter, state->num);
        if (!reason && (filter->started[ring] || filter->addressed[ring])) {
            /* librte_vhost looks but once whether all of it is in memory. */
            reason = "the ring is in use";
        }
        if (!reason) {
            filter->sizes[ring] = state->num;
        }
        break;

    case SET_VRING_ADDR:
        if (!filter->sizes[ring]) {
            reason = "the ring has no size";
        }
        filter->addressed[ring] |= !reason;
        break;

    case SET_VRING_BASE:
        if (filter->started[ring]) {
            reason = "the ring is in use";
        } else {
            /* The upper bit is the wrap counter of a packed ring. */
            filter->bases[ring] = (has_bit(filter->features, F_RING_PACKED)
                                   ? state->num & 0x7fff : state->num);
        }
        break;

    case SET_VRING_KICK:
        if (!filter->sizes[ring]) {
            reason = "the ring has no size";
        } else if (has_bit(filter->features, F_RING_PACKED)
                   && filter->bases[ring] >= filter->sizes[ring]) {
            /* That of a split ring counts on, and librte_vhost takes it modulo
             * the size. */
            reason = "the ring starts beyond its end";
        }
        filter->started[ring] |= !reason;
        break;

    case GET_VRING_BASE:
        if (filter->started[ring]) {
            filter->bases[ring] = filter->sizes[ring] - 1;
        }
        filter->sizes[ring] = 0;
        filter->addressed[ring] = false;
        filter->started[ring] = false;
        break;
    }
    if (!reason) {
        make_fds_nonblocking(message);
    }
    return reason;
}

static const char *
check_log(const struct vhost_message *message)
{
    struct log_base log;

    memcpy(&log, message->payload, sizeof log);

    /* librte_vhost adds the offset twice. */
    if (log.offset) {
        return "the log does not start at the start of its file";
    }
    if (KNOWS_FDS && (message->n_fds != 1
                      || !can_map(message->fds[0], 0, log.size))) {
        return "the log cannot be mapped";
    }
    return NULL;
}

/* Starts 'filter' for a connection in which the features 'offered', the
 * protocol features 'protocol_offered' and 'max_queue_pairs' are offered. */
void
vhost_filter_init(struct vhost_filter *filter, uint64_t offered,
                  uint64_t protocol_offered, int max_queue_pairs)
{
    memset(filter, 0, sizeof *filter);
    filter->offered = offered;
    filter->protocol_offered = protocol_offered;

    /* One more is for a control queue.  It is never served, but some front
     * ends set it up. */
    filter->n_rings = MIN(2 * max_queue_pairs + 1, VHOST_MAX_RINGS);
}

static bool
is_any_ring_sized(const struct vhost_filter *filter)
{
    for (int i = 0; i < VHOST_MAX_RINGS; i++) {
        if (filter->sizes[i]) {
            return true;
        }
    }
    return false;
}

/* Checks 'message', the next in the connection of 'filter', and notes what it
 * says.  Returns null if librte_vhost may act on it, otherwise what is wrong,
 * a constant string; then vhost_message_refuse() is to follow. */
const char *
vhost_filter_check(struct vhost_filter *filter, struct vhost_message *message)
{
    uint32_t request = message->request;
    struct ring_state state;
    uint64_t u64;

    if (request >= N_REQUESTS || !requests[request].known) {
        return "there is no use for it";
    }
    if (message->size < requests[request].size
        || message->size > sizeof message->payload) {
        return "its size is not valid";
    }
    if (KNOWS_FDS && message->n_fds > requests[request].max_fds) {
        return "it has too many descriptors";
    }
    if ((requests[request].feature
         && !has_bit(filter->features, requests[request].feature))
        || (requests[request].protocol_feature
            && !has_bit(filter->protocol_features,
                        requests[request].protocol_feature))) {
        return "its use has not been negotiated";
    }

    memcpy(&u64, message->payload, sizeof u64);
    memcpy(&state, message->payload, sizeof state);
    if (request == SET_FEATURES) {
        if (u64 & ~filter->offered) {
            return "it has features that were not offered";
        }

        /* librte_vhost has allocated memory for the rings by then, and knows
         * where their parts end. */
        uint64_t changed = u64 ^ filter->features;
        if ((has_bit(changed, F_RING_PACKED) || has_bit(changed, F_EVENT_IDX))
            && is_any_ring_sized(filter)) {
            return "the kind of the rings cannot change any more";
        }
        filter->features = u64;
    } else if (request == SET_PROTOCOL_FEATURES) {
        if (u64 & ~filter->protocol_offered) {
            return "it has protocol features that were not offered";
        }
        filter->protocol_features = u64;
    }

    /* librte_vhost goes on after a failure that it can report, with what was
     * noted here or half done there.  So the guest is to be answered, by
     * vhost_filter_done(), only if nothing failed. */
    filter->wants_ack = (message->flags & FLAG_NEED_REPLY
                         && has_bit(filter->protocol_features,
                                    PROTOCOL_F_REPLY_ACK));
    message->flags &= ~FLAG_NEED_REPLY;

    switch (request) {
    case SET_MEM_TABLE:
        return check_memory(filter, message);

    case SET_LOG_BASE:
        return check_log(message);

    case SET_VRING_NUM:
    case SET_VRING_ADDR:
    case SET_VRING_BASE:
    case GET_VRING_BASE:
    case SET_VRING_KICK:
    case SET_VRING_CALL:
    case SET_VRING_ERR:
    case SET_VRING_ENABLE:
        return check_ring(filter, message, &state);

    case POSTCOPY_ADVISE:
        /* librte_vhost would lose its userfaultfd. */
        if (filter->postcopy) {
            return "a post-copy migration has begun";
        }
        filter->postcopy = true;
        break;

    case POSTCOPY_END:
        filter->postcopy = false;
        break;

    case SET_BACKEND_REQ_FD:
        make_fds_nonblocking(message);
        break;
    }
    return NULL;
}

/* To follow once librte_vhost has acted on 'message', which 'filter' has let
 * through, and not failed.  Has it answer, if it has not yet and the guest
 * waits for that. */
void
vhost_filter_done(const struct vhost_filter *filter,
                  struct vhost_message *message)
{
    if (filter->wants_ack && !(message->flags & FLAG_REPLY)) {
        message->flags |= FLAG_NEED_REPLY;
    }
}

/* Frees what came with 'message', and has librte_vhost end the connection once
 * its callback returns RTE_VHOST_MSG_RESULT_ERR. */
void
vhost_message_refuse(struct vhost_message *message)
{
    message->flags &= ~FLAG_NEED_REPLY;
    for (int i = 0; KNOWS_FDS && i < message->n_fds; i++) {
        if (message->fds[i] >= 0) {
            close(message->fds[i]);
            message->fds[i] = -1;
        }
    }
    if (KNOWS_FDS) {
        message->n_fds = 0;
    }
}

/* Closes the descriptors that came with 'msg', of which there may be any, and
 * makes it one without. */
static void
close_descriptors(struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

            for (size_t i = 0; i < n; i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                close(fd);
            }
        }
    }
    msg->msg_controllen = 0;
}

/* What librte_vhost calls in place of the C library's recvmsg().
 *
 * It reads a message's header first, and the descriptors with it.  If the
 * message then names a ring that cannot be, librte_vhost neither shows it to
 * vhost_filter_check() nor closes these.  So those that come with a message
 * that has none are closed here.  Other callers, which do not read a header's
 * number of bytes, get what they would. */
ssize_t vhost_filter_recvmsg(int fd, struct msghdr *, int flags)
    __asm__("recvmsg");

ssize_t
vhost_filter_recvmsg(int fd, struct msghdr *msg, int flags)
{
    const size_t header_size = offsetof(struct vhost_message, payload);
    static void *next;
    ssize_t (*f)(int, struct msghdr *, int);

    f = next_function("recvmsg", &next);
    ssize_t n = f(fd, msg, flags);
    if (n == header_size && msg->msg_iovlen == 1
        && msg->msg_iov[0].iov_len == header_size && msg->msg_controllen) {
        uint32_t request;

        memcpy(&request, msg->msg_iov[0].iov_base, sizeof request);
        if (request >= N_REQUESTS || !requests[request].max_fds) {
            close_descriptors(msg);
        }
    }
    return n;
}

/* What librte_vhost calls in place of librte_eal's own rte_malloc_socket().
 *
 * Where a guest says that an indirect descriptor table, of up to 4 GB, lies in
 * memory that is not in one piece for us, librte_vhost copies it first: it
 * looks at the size only afterwards, or loses the copy, if the ring is packed.
 * A real table has at most 512 kB and is in one piece.  With no memory for the
 * copy, librte_vhost drops the chain, which vhost_dev_recv() counts. */
void *
rte_malloc_socket(const char *type, size_t size, unsigned int align,
                  int socket)
{
    static void *next;
    void *(*f)(const char *, size_t, unsigned int, int);

    if (type && !strcmp(type, "vhost_alloc_copy_ind_table")) {
        return NULL;
    }
    f = next_function("rte_malloc_socket", &next);
    return f(type, size, align, socket);
}
