/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

#include "vhost-frontend.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tool.h"

#define PAGE 4096u

/* A buffer of this size takes any packet. */
#define ANY_PACKET (64 * 1024 + 512)

/* Between the guest physical addresses of two regions: more than their
 * sizes, so that none follows the other. */
#define REGION_DISTANCE (UINT64_C(1) << 36)

/* What we can do, or what the part of the device can do that is not behind the
 * socket.  Packed rings only on demand. */
#define SUPPORTED_FEATURES                                              \
    (VFE_BIT(VFE_F_CSUM) | VFE_BIT(VFE_F_GUEST_CSUM)                    \
     | VFE_BIT(VFE_F_MTU) | VFE_BIT(VFE_F_MAC)                          \
     | VFE_BIT(VFE_F_GUEST_TSO4) | VFE_BIT(VFE_F_GUEST_TSO6)            \
     | VFE_BIT(VFE_F_GUEST_ECN) | VFE_BIT(VFE_F_GUEST_UFO)              \
     | VFE_BIT(VFE_F_HOST_TSO4) | VFE_BIT(VFE_F_HOST_TSO6)              \
     | VFE_BIT(VFE_F_HOST_ECN) | VFE_BIT(VFE_F_HOST_UFO)                \
     | VFE_BIT(VFE_F_MRG_RXBUF) | VFE_BIT(VFE_F_STATUS)                 \
     | VFE_BIT(VFE_F_CTRL_VQ) | VFE_BIT(VFE_F_CTRL_RX)                  \
     | VFE_BIT(VFE_F_CTRL_VLAN) | VFE_BIT(VFE_F_GUEST_ANNOUNCE)         \
     | VFE_BIT(VFE_F_MQ) | VFE_BIT(VFE_F_CTRL_MAC_ADDR)                 \
     | VFE_BIT(VFE_F_ANY_LAYOUT) | VFE_BIT(VFE_F_INDIRECT_DESC)         \
     | VFE_BIT(VFE_F_EVENT_IDX) | VFE_BIT(VFE_F_PROTOCOL_FEATURES)      \
     | VFE_BIT(VFE_F_VERSION_1) | VFE_BIT(VFE_F_ORDER_PLATFORM))

#define SUPPORTED_PROTOCOL_FEATURES \
    (VFE_BIT(VFE_P_MQ) | VFE_BIT(VFE_P_REPLY_ACK))

static bool
has_feature(const struct vfe *vfe, enum vfe_feature bit)
{
    return vfe->features & VFE_BIT(bit);
}

const char *
vfe_feature_name(unsigned int bit)
{
    static const char *names[64] = {
#define VFE_FEATURE(BIT, NAME) [BIT] = #NAME,
        VFE_FEATURES
#undef VFE_FEATURE
    };

    return bit < 64 ? names[bit] : NULL;
}

const char *
vfe_protocol_feature_name(unsigned int bit)
{
    static const char *names[64] = {
#define VFE_FEATURE(BIT, NAME) [BIT] = #NAME,
        VFE_PROTOCOL_FEATURES
#undef VFE_FEATURE
    };

    return bit < 64 ? names[bit] : NULL;
}

/* Milliseconds until 'deadline', not negative. */
static int
ms_left(long long int deadline)
{
    long long int left = deadline - now_ms();

    return left > 0 ? left : 0;
}

/* Connections and messages. */

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
static int
transact(struct vfe *vfe, uint32_t request, const void *payload, size_t size,
         struct vfe_payload *answer)
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
    int error = transact(vfe, request, NULL, 0, &answer);

    *value = error ? 0 : answer.u64;
    return error;
}

/* Sends a message that has no answer of its own.  If the peer acknowledges
 * messages, waits for that: EREMOTEIO means that it has refused. */
static int
command(struct vfe *vfe, uint32_t request, const void *payload, size_t size,
        const int *fds, size_t n_fds)
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
    return command(vfe, request, &value, sizeof value, NULL, 0);
}

int
vfe_set_state(struct vfe *vfe, uint32_t request, uint32_t index, uint32_t num)
{
    struct vfe_vring_state state = { .index = index, .num = num };

    return command(vfe, request, &state, sizeof state, NULL, 0);
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

/* Life. */

/* Prepares '*vfe' with one queue pair and split rings, for all features. */
void
vfe_init(struct vfe *vfe)
{
    memset(vfe, 0, sizeof *vfe);
    vfe->feature_mask = SUPPORTED_FEATURES;
    vfe->protocol_mask = SUPPORTED_PROTOCOL_FEATURES;
    vfe->n_pairs = 1;
    vfe->ring_size = 256;
    vfe->n_regions = 1;
    vfe->buf_size = 2048;
    vfe->spare = 512 * 1024;
    vfe->timeout_ms = 20000;
    vfe->fd = -1;
    vfe->hdr_size = sizeof(struct vfe_net_hdr);
    vfe->step = "start";
}

/* Closes the connection and frees everything. */
void
vfe_destroy(struct vfe *vfe)
{
    vfe_disconnect(vfe);
    for (unsigned int i = 0; vfe->rings && i < 2 * vfe->n_pairs; i++) {
        struct vfe_ring *ring = &vfe->rings[i];

        if (ring->kick_fd >= 0) {
            close(ring->kick_fd);
        }
        if (ring->call_fd >= 0) {
            close(ring->call_fd);
        }
        free(ring->free);
        free(ring->chain_next);
        free(ring->chain_len);
    }
    free(vfe->rings);
    vfe->rings = NULL;
    for (unsigned int i = 0; i < VFE_MAX_REGIONS; i++) {
        struct vfe_region *region = &vfe->regions[i];

        if (region->mem) {
            munmap(region->mem, region->size);
            close(region->fd);
            region->mem = NULL;
        }
    }
}

/* Agrees on features with the peer, and tells it so. */
int
vfe_negotiate(struct vfe *vfe)
{
    int error;

    vfe->step = "GET_FEATURES";
    error = vfe_get_u64(vfe, VFE_GET_FEATURES, &vfe->features_offered);
    if (error) {
        return error;
    }
    vfe->features = vfe->features_offered & vfe->feature_mask;

    /* What depends on what else. */
    if (!has_feature(vfe, VFE_F_CSUM)) {
        vfe->features &= ~(VFE_BIT(VFE_F_HOST_TSO4) | VFE_BIT(VFE_F_HOST_TSO6)
                           | VFE_BIT(VFE_F_HOST_UFO)
                           | VFE_BIT(VFE_F_HOST_ECN));
    }
    if (!has_feature(vfe, VFE_F_GUEST_CSUM)) {
        vfe->features &= ~(VFE_BIT(VFE_F_GUEST_TSO4)
                           | VFE_BIT(VFE_F_GUEST_TSO6)
                           | VFE_BIT(VFE_F_GUEST_UFO)
                           | VFE_BIT(VFE_F_GUEST_ECN));
    }
    if (vfe->n_pairs == 1) {
        vfe->features &= ~VFE_BIT(VFE_F_MQ);
    }
    if (!has_feature(vfe, VFE_F_VERSION_1)) {
        vfe->features &= ~VFE_BIT(VFE_F_RING_PACKED);
    }
    if (has_feature(vfe, VFE_F_RING_PACKED)) {
        vfe->features &= ~VFE_BIT(VFE_F_EVENT_IDX);
    }
    vfe->hdr_size = (has_feature(vfe, VFE_F_VERSION_1)
                     || has_feature(vfe, VFE_F_MRG_RXBUF)
                     ? sizeof(struct vfe_net_hdr)
                     : offsetof(struct vfe_net_hdr, num_buffers));

    if (has_feature(vfe, VFE_F_PROTOCOL_FEATURES)) {
        vfe->step = "GET_PROTOCOL_FEATURES";
        error = vfe_get_u64(vfe, VFE_GET_PROTOCOL_FEATURES,
                            &vfe->protocol_offered);
        if (error) {
            return error;
        }

        uint64_t protocol = vfe->protocol_offered & vfe->protocol_mask;
        vfe->step = "SET_PROTOCOL_FEATURES";
        error = vfe_set_u64(vfe, VFE_SET_PROTOCOL_FEATURES, protocol);
        if (error) {
            return error;
        }
        vfe->protocol = protocol;
    }
    if (vfe->protocol & VFE_BIT(VFE_P_MQ)) {
        vfe->step = "GET_QUEUE_NUM";
        error = vfe_get_u64(vfe, VFE_GET_QUEUE_NUM, &vfe->n_queues_offered);
        if (error) {
            return error;
        }
    } else {
        vfe->n_queues_offered = 1;
    }
    if (vfe->n_pairs > 1 && (vfe->n_pairs > vfe->n_queues_offered
                             || !has_feature(vfe, VFE_F_MQ))) {
        vfe->step = "ask for several queues";
        return EOPNOTSUPP;
    }

    vfe->step = "SET_OWNER";
    error = command(vfe, VFE_SET_OWNER, NULL, 0, NULL, 0);
    if (error) {
        return error;
    }
    vfe->step = "SET_FEATURES";
    return vfe_set_u64(vfe, VFE_SET_FEATURES, vfe->features);
}

/* Memory. */

static size_t
round_up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

/* Returns 'size' bytes of shared memory, zeroed, aligned to 'align', a power
 * of two.  They are never given back. */
void *
vfe_alloc(struct vfe *vfe, unsigned int i, size_t size, size_t align)
{
    struct vfe_region *region = &vfe->regions[i];
    size_t ofs = round_up(region->used, align);

    assert(i < vfe->n_regions && ofs + size <= region->size);
    region->used = ofs + size;
    return region->mem + ofs;
}

static const struct vfe_region *
region_of(const struct vfe *vfe, const void *p)
{
    for (unsigned int i = 0; i < vfe->n_regions; i++) {
        const struct vfe_region *region = &vfe->regions[i];

        if ((uintptr_t) p - (uintptr_t) region->mem < region->size) {
            return region;
        }
    }
    assert(!"not in shared memory");
    return NULL;
}

/* Returns the guest physical address of 'p'. */
uint64_t
vfe_gpa(const struct vfe *vfe, const void *p)
{
    const struct vfe_region *region = region_of(vfe, p);

    return region->gpa + ((const uint8_t *) p - region->mem);
}

/* Returns the address that the peer was told 'p' has with us. */
uint64_t
vfe_uva(const struct vfe *vfe, const void *p)
{
    const struct vfe_region *region = region_of(vfe, p);

    return region->uva + ((const uint8_t *) p - region->mem);
}

static int
alloc_region(struct vfe_region *region, unsigned int i, size_t size)
{
    region->size = round_up(size, PAGE);
    region->fd = memfd_create("vhost-frontend", MFD_CLOEXEC);
    if (region->fd < 0) {
        return errno;
    }
    region->mem = (ftruncate(region->fd, region->size) ? MAP_FAILED
                   : mmap(NULL, region->size, PROT_READ | PROT_WRITE,
                          MAP_SHARED, region->fd, 0));
    if (region->mem == MAP_FAILED) {
        int error = errno;

        region->mem = NULL;
        close(region->fd);
        return error;
    }
    region->gpa = (i + 1) * REGION_DISTANCE;
    region->uva = (uintptr_t) region->mem;
    region->used = 0;
    return 0;
}

/* The sizes of the parts of a split ring, with the event fields. */
static size_t
avail_size(unsigned int n)
{
    return sizeof(struct vfe_avail) + (n + 1) * sizeof(uint16_t);
}

static size_t
used_size(unsigned int n)
{
    return sizeof(struct vfe_used) + n * 8 + sizeof(uint16_t);
}

/* A page more than the rings need, since each part begins on a page of its
 * own: an error of the peer is more likely to be noticed then. */
static size_t
rings_size(unsigned int n)
{
    return 3 * PAGE + n * sizeof(struct vfe_desc)
           + avail_size(n) + used_size(n);
}

static size_t
ring_buf_size(const struct vfe *vfe, unsigned int ring)
{
    bool to_guest = ring % 2 == 0;

    return (to_guest && !has_feature(vfe, VFE_F_MRG_RXBUF) ? ANY_PACKET
            : vfe->buf_size);
}

static void *
alloc_part(struct vfe *vfe, size_t size)
{
    return vfe_alloc(vfe, 0, size, PAGE);
}

/* Empties a ring.  Its memory and its eventfds remain. */
static void
reset_ring(struct vfe_ring *ring)
{
    if (ring->packed) {
        memset(ring->packed_desc, 0,
               ring->size * sizeof *ring->packed_desc);
        memset(ring->driver_event, 0, sizeof *ring->driver_event);
        memset(ring->device_event, 0, sizeof *ring->device_event);
    } else {
        memset(ring->desc, 0, ring->size * sizeof *ring->desc);
        memset(ring->avail, 0, avail_size(ring->size));
        memset(ring->used, 0, used_size(ring->size));
    }
    ring->avail_idx = ring->used_idx = ring->kicked_idx = 0;
    ring->avail_wrap = ring->used_wrap = true;

    ring->n_free = ring->size;
    for (unsigned int i = 0; i < ring->size; i++) {
        ring->free[i] = ring->size - 1 - i;
    }
}

static int
alloc_ring(struct vfe *vfe, unsigned int i)
{
    struct vfe_ring *ring = &vfe->rings[i];
    unsigned int n = vfe->ring_size;

    ring->index = i;
    ring->size = n;
    ring->packed = has_feature(vfe, VFE_F_RING_PACKED);
    if (ring->packed) {
        ring->packed_desc = alloc_part(vfe, n * sizeof *ring->packed_desc);
        ring->driver_event = alloc_part(vfe, sizeof *ring->driver_event);
        ring->device_event = alloc_part(vfe, sizeof *ring->device_event);
    } else {
        ring->desc = alloc_part(vfe, n * sizeof *ring->desc);
        ring->avail = alloc_part(vfe, avail_size(n));
        ring->used = alloc_part(vfe, used_size(n));
    }
    ring->buf_size = ring_buf_size(vfe, i);
    ring->bufs = vfe_alloc(vfe, i % vfe->n_regions, n * ring->buf_size, 64);

    ring->free = calloc(n, sizeof *ring->free);
    ring->chain_next = calloc(n, sizeof *ring->chain_next);
    ring->chain_len = calloc(n, sizeof *ring->chain_len);
    assert(ring->free && ring->chain_next && ring->chain_len);
    reset_ring(ring);

    ring->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return ring->kick_fd < 0 || ring->call_fd < 0 ? errno : 0;
}

/* Makes the shared memory and the rings, for the features agreed on. */
int
vfe_alloc_memory(struct vfe *vfe)
{
    size_t sizes[VFE_MAX_REGIONS] = { 0 };
    unsigned int n = 2 * vfe->n_pairs;

    vfe->step = "allocate memory";
    for (unsigned int i = 0; i < n; i++) {
        sizes[0] += rings_size(vfe->ring_size);
        sizes[i % vfe->n_regions] += (vfe->ring_size * ring_buf_size(vfe, i)
                                      + PAGE);
    }
    for (unsigned int i = 0; i < vfe->n_regions; i++) {
        int error = alloc_region(&vfe->regions[i], i, sizes[i] + vfe->spare);

        if (error) {
            return error;
        }
    }

    vfe->rings = calloc(n, sizeof *vfe->rings);
    assert(vfe->rings);
    for (unsigned int i = 0; i < n; i++) {
        vfe->rings[i].kick_fd = vfe->rings[i].call_fd = -1;
    }
    for (unsigned int i = 0; i < n; i++) {
        int error = alloc_ring(vfe, i);

        if (error) {
            return error;
        }
    }
    return 0;
}

int
vfe_set_mem_table(struct vfe *vfe)
{
    struct vfe_mem_table table = { .n = vfe->n_regions };
    int fds[VFE_MAX_REGIONS];

    for (unsigned int i = 0; i < vfe->n_regions; i++) {
        table.regions[i].gpa = vfe->regions[i].gpa;
        table.regions[i].size = vfe->regions[i].size;
        table.regions[i].uva = vfe->regions[i].uva;
        fds[i] = vfe->regions[i].fd;
    }
    vfe->step = "SET_MEM_TABLE";
    return command(vfe, VFE_SET_MEM_TABLE, &table,
                   offsetof(struct vfe_mem_table, regions)
                   + table.n * sizeof table.regions[0], fds, table.n);
}

/* Tells the peer about a ring, which with that is started.  It has to be
 * enabled, too, if the protocol features were agreed on. */
int
vfe_set_ring(struct vfe *vfe, struct vfe_ring *ring)
{
    struct vfe_vring_addr addr = { .index = ring->index };
    uint64_t index = ring->index;
    int error;

    if (ring->packed) {
        addr.desc = vfe_uva(vfe, ring->packed_desc);
        addr.avail = vfe_uva(vfe, ring->driver_event);
        addr.used = vfe_uva(vfe, ring->device_event);
    } else {
        addr.desc = vfe_uva(vfe, ring->desc);
        addr.avail = vfe_uva(vfe, ring->avail);
        addr.used = vfe_uva(vfe, ring->used);
    }

    vfe->step = "SET_VRING_NUM";
    error = vfe_set_state(vfe, VFE_SET_VRING_NUM, ring->index, ring->size);
    if (!error) {
        vfe->step = "SET_VRING_BASE";
        error = vfe_set_state(vfe, VFE_SET_VRING_BASE, ring->index,
                              ring->packed
                              ? ring->used_idx | ring->used_wrap << 15
                              : ring->used_idx);
    }
    if (!error) {
        vfe->step = "SET_VRING_ADDR";
        error = command(vfe, VFE_SET_VRING_ADDR, &addr, sizeof addr, NULL, 0);
    }
    if (!error) {
        vfe->step = "SET_VRING_CALL";
        error = command(vfe, VFE_SET_VRING_CALL, &index, sizeof index,
                        &ring->call_fd, 1);
    }
    if (!error) {
        vfe->step = "SET_VRING_KICK";
        error = command(vfe, VFE_SET_VRING_KICK, &index, sizeof index,
                        &ring->kick_fd, 1);
    }
    return error;
}

int
vfe_enable_ring(struct vfe *vfe, struct vfe_ring *ring, bool enable)
{
    if (!has_feature(vfe, VFE_F_PROTOCOL_FEATURES)) {
        return 0;
    }
    vfe->step = "SET_VRING_ENABLE";
    return vfe_set_state(vfe, VFE_SET_VRING_ENABLE, ring->index, enable);
}

static int
start_rings(struct vfe *vfe)
{
    int error = vfe_set_mem_table(vfe);

    for (unsigned int i = 0; !error && i < 2 * vfe->n_pairs; i++) {
        if (i % 2 == 0) {
            vfe_post_all(vfe, &vfe->rings[i]);
        }
        error = vfe_set_ring(vfe, &vfe->rings[i]);
    }
    for (unsigned int i = 0; !error && i < 2 * vfe->n_pairs; i++) {
        error = vfe_enable_ring(vfe, &vfe->rings[i], true);
    }
    return error ? error : vfe_sync(vfe);
}

/* Does all that follows a connection until packets can flow. */
int
vfe_start(struct vfe *vfe)
{
    int error = vfe_negotiate(vfe);

    if (!error) {
        error = vfe_alloc_memory(vfe);
    }
    return error ? error : start_rings(vfe);
}

/* Stops all rings.  The peer no longer uses the memory when this returns.  The
 * connection remains. */
int
vfe_stop(struct vfe *vfe)
{
    vfe->step = "GET_VRING_BASE";
    for (unsigned int i = 0; i < 2 * vfe->n_pairs; i++) {
        struct vfe_vring_state state = { .index = i };
        struct vfe_payload answer;
        int error = transact(vfe, VFE_GET_VRING_BASE, &state, sizeof state,
                             &answer);

        if (error) {
            return error;
        }
    }
    return 0;
}

/* What a reboot of the guest looks like: the rings are stopped and then
 * started empty, over the same connection. */
int
vfe_restart(struct vfe *vfe)
{
    int error = vfe_stop(vfe);

    if (error) {
        return error;
    }
    for (unsigned int i = 0; i < 2 * vfe->n_pairs; i++) {
        reset_ring(&vfe->rings[i]);
    }
    vfe->step = "SET_FEATURES";
    error = vfe_set_u64(vfe, VFE_SET_FEATURES, vfe->features);
    return error ? error : start_rings(vfe);
}

/* Rings. */

struct vfe_ring *
vfe_rx_ring(struct vfe *vfe, unsigned int pair)
{
    return &vfe->rings[2 * pair];
}

struct vfe_ring *
vfe_tx_ring(struct vfe *vfe, unsigned int pair)
{
    return &vfe->rings[2 * pair + 1];
}

static uint16_t *
used_event(struct vfe_ring *ring)
{
    return &ring->avail->ring[ring->size];
}

static uint16_t
avail_event(struct vfe_ring *ring)
{
    return __atomic_load_n((uint16_t *) &ring->used->ring[ring->size],
                           __ATOMIC_RELAXED);
}

/* Tells the peer that there are new descriptors; with 'always', even if it
 * does not want to know. */
void
vfe_kick(struct vfe_ring *ring, bool always)
{
    uint64_t one = 1;
    bool wanted;

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring->packed) {
        wanted = (__atomic_load_n(&ring->device_event->flags, __ATOMIC_RELAXED)
                  != VFE_EVENT_DISABLE);
    } else {
        wanted = !(__atomic_load_n(&ring->used->flags, __ATOMIC_RELAXED)
                   & VFE_NO_NOTIFY);
    }
    if (wanted || always) {
        ssize_t n = write(ring->kick_fd, &one, sizeof one);

        (void) n;       /* It is full only if nobody reads. */
    }
}

/* The same, as the features agreed on say. */
static void
notify(struct vfe *vfe, struct vfe_ring *ring)
{
    if (has_feature(vfe, VFE_F_EVENT_IDX) && !ring->packed) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);

        uint16_t since_event = ring->avail_idx - avail_event(ring) - 1;
        uint16_t since_kick = ring->avail_idx - ring->kicked_idx;

        if (since_event < since_kick) {
            vfe_kick(ring, true);
        }
        ring->kicked_idx = ring->avail_idx;
    } else {
        vfe_kick(ring, false);
    }
}

/* The flags that make a packed descriptor available in this round. */
static uint16_t
avail_flags(const struct vfe_ring *ring)
{
    return ring->avail_wrap ? VFE_DESC_AVAIL : VFE_DESC_USED;
}

static void
packed_advance(uint16_t *idx, bool *wrap, unsigned int n,
               const struct vfe_ring *ring)
{
    *idx += n;
    if (*idx >= ring->size) {
        *idx -= ring->size;
        *wrap = !*wrap;
    }
}

/* Makes the 'n' descriptors at 'descs' available: as one chain, whose links
 * are up to the caller.  In a split ring they are stored in the table from its
 * beginning, and 'next' is an index there; in a packed ring they are stored
 * where the ring is, and 'next' becomes their ID.  Descriptors that vfe_tx()
 * or vfe_rx() has in use are overwritten: they cannot be used on this ring
 * afterwards.  The peer is not told. */
void
vfe_post_raw(struct vfe *vfe, struct vfe_ring *ring,
             const struct vfe_desc *descs, unsigned int n)
{
    (void) vfe;
    if (!ring->packed) {
        assert(n <= ring->size);
        memcpy(ring->desc, descs, n * sizeof *descs);
        ring->avail->ring[ring->avail_idx % ring->size] = 0;
        ring->avail_idx++;
        __atomic_store_n(&ring->avail->idx, ring->avail_idx,
                         __ATOMIC_RELEASE);
        return;
    }

    struct vfe_packed_desc *head = &ring->packed_desc[ring->avail_idx];
    uint16_t head_flags = 0;
    for (unsigned int i = 0; i < n; i++) {
        struct vfe_packed_desc *desc = &ring->packed_desc[ring->avail_idx];
        uint16_t flags = descs[i].flags | avail_flags(ring);

        desc->addr = descs[i].addr;
        desc->len = descs[i].len;
        desc->id = descs[i].next;
        if (!i) {
            head_flags = flags;
        } else {
            desc->flags = flags;
        }
        packed_advance(&ring->avail_idx, &ring->avail_wrap, 1, ring);
    }
    __atomic_store_n(&head->flags, head_flags, __ATOMIC_RELEASE);
}

/* Makes a chain of the 'n' buffers 'ids', of which 'lens' bytes each are
 * used, available. */
static void
post_chain(struct vfe_ring *ring, const uint16_t *ids, const uint32_t *lens,
           unsigned int n, uint16_t flags, uint64_t gpa)
{
    for (unsigned int i = 0; i < n; i++) {
        ring->chain_next[ids[i]] = i + 1 < n ? ids[i + 1] : 0;
    }
    ring->chain_len[ids[0]] = n;

    if (!ring->packed) {
        for (unsigned int i = 0; i < n; i++) {
            struct vfe_desc *desc = &ring->desc[ids[i]];

            desc->addr = gpa + ids[i] * ring->buf_size;
            desc->len = lens[i];
            desc->flags = flags | (i + 1 < n ? VFE_DESC_NEXT : 0);
            desc->next = i + 1 < n ? ids[i + 1] : 0;
        }
        ring->avail->ring[ring->avail_idx % ring->size] = ids[0];
        ring->avail_idx++;
        __atomic_store_n(&ring->avail->idx, ring->avail_idx,
                         __ATOMIC_RELEASE);
        return;
    }

    struct vfe_packed_desc *head = &ring->packed_desc[ring->avail_idx];
    uint16_t head_flags = 0;
    for (unsigned int i = 0; i < n; i++) {
        struct vfe_packed_desc *desc = &ring->packed_desc[ring->avail_idx];
        uint16_t all_flags = (flags | avail_flags(ring)
                              | (i + 1 < n ? VFE_DESC_NEXT : 0));

        desc->addr = gpa + ids[i] * ring->buf_size;
        desc->len = lens[i];
        desc->id = ids[0];
        if (!i) {
            head_flags = all_flags;
        } else {
            desc->flags = all_flags;
        }
        packed_advance(&ring->avail_idx, &ring->avail_wrap, 1, ring);
    }
    __atomic_store_n(&head->flags, head_flags, __ATOMIC_RELEASE);
}

/* Looks at the entry 'k' after the next one that the peer has used, without
 * taking it.  'k' may be other than 0 only if all chains have one
 * descriptor.  Returns false if there is none (yet). */
static bool
peek_used(const struct vfe_ring *ring, unsigned int k, uint32_t *id,
          uint32_t *len)
{
    if (!ring->packed) {
        uint16_t idx = __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE);
        uint16_t place = ring->used_idx + k;

        if (k >= (uint16_t) (idx - ring->used_idx)) {
            return false;
        }
        *id = ring->used->ring[place % ring->size].id;
        *len = ring->used->ring[place % ring->size].len;
        return true;
    }

    uint16_t place = ring->used_idx;
    bool wrap = ring->used_wrap;
    if (k >= ring->size) {
        return false;
    }
    packed_advance(&place, &wrap, k, ring);

    const struct vfe_packed_desc *desc = &ring->packed_desc[place];
    uint16_t flags = __atomic_load_n(&desc->flags, __ATOMIC_ACQUIRE);
    if (!!(flags & VFE_DESC_AVAIL) != wrap
        || !!(flags & VFE_DESC_USED) != wrap) {
        return false;
    }
    *id = desc->id;
    *len = desc->len;
    return true;
}

/* Takes the next used entry, with the chain 'id', away, and gives its buffers
 * to the caller, who puts them into 'ring->free' or to work. */
static void
take_used(struct vfe *vfe, struct vfe_ring *ring, uint32_t id)
{
    if (ring->packed) {
        packed_advance(&ring->used_idx, &ring->used_wrap, ring->chain_len[id],
                       ring);
    } else {
        ring->used_idx++;
        if (has_feature(vfe, VFE_F_EVENT_IDX)) {
            __atomic_store_n(used_event(ring), ring->used_idx,
                             __ATOMIC_RELAXED);
        }
    }
}

/* Sending. */

/* Takes back what the peer has sent.  Returns the number of packets. */
unsigned int
vfe_tx_reclaim(struct vfe *vfe, struct vfe_ring *ring)
{
    unsigned int n = 0;
    uint32_t id, len;

    while (peek_used(ring, 0, &id, &len)) {
        if (id >= ring->size || !ring->chain_len[id]) {
            break;      /* Nonsense, at which everything stops. */
        }
        take_used(vfe, ring, id);

        unsigned int n_descs = ring->chain_len[id];
        ring->chain_len[id] = 0;
        for (unsigned int i = 0; i < n_descs; i++) {
            uint32_t next = ring->chain_next[id];

            ring->free[ring->n_free++] = id;
            id = next;
        }
        n++;
    }
    return n;
}

/* Waits until the peer has taken all packets. */
int
vfe_tx_drain(struct vfe *vfe, struct vfe_ring *ring)
{
    long long int deadline = now_ms() + vfe->timeout_ms;

    vfe->step = "wait until packets are taken";
    for (;;) {
        vfe_tx_reclaim(vfe, ring);
        if (ring->n_free == ring->size) {
            return 0;
        }

        int error = vfe_wait(vfe, ring, ms_left(deadline));
        if (error) {
            return error;
        }
    }
}

/* Sends the 'size' bytes at 'frame' with the header 'hdr'.  Takes as many
 * descriptors as it needs.  EAGAIN if there are not enough, EMSGSIZE if there
 * never are. */
int
vfe_tx(struct vfe *vfe, struct vfe_ring *ring, const struct vfe_net_hdr *hdr,
       const void *frame_, size_t size)
{
    const uint8_t *frame = frame_;
    size_t hdr_size = vfe->hdr_size;
    uint16_t ids[VFE_MAX_FRAME / 64 + 2];
    uint32_t lens[VFE_MAX_FRAME / 64 + 2];
    unsigned int n = 0;

    /* Old devices want the header in a descriptor of its own. */
    bool hdr_alone = (!has_feature(vfe, VFE_F_VERSION_1)
                      && !has_feature(vfe, VFE_F_ANY_LAYOUT));
    size_t n_max = (hdr_size + size) / ring->buf_size + 2;

    if (size > VFE_MAX_FRAME || n_max > ring->size
        || n_max > sizeof ids / sizeof ids[0]) {
        return EMSGSIZE;
    }
    if (ring->n_free < n_max) {
        vfe_tx_reclaim(vfe, ring);
        if (ring->n_free < n_max) {
            return EAGAIN;
        }
    }

    size_t done = 0;
    do {
        uint16_t id = ring->free[--ring->n_free];
        uint8_t *p = ring->bufs + id * ring->buf_size;
        size_t room = ring->buf_size;
        size_t len = 0;

        if (!n) {
            memcpy(p, hdr, hdr_size);
            len = hdr_size;
        }
        if (n || !hdr_alone) {
            size_t chunk = room - len < size - done ? room - len : size - done;

            memcpy(p + len, frame + done, chunk);
            len += chunk;
            done += chunk;
        }
        ids[n] = id;
        lens[n++] = len;
    } while (done < size);

    post_chain(ring, ids, lens, n, 0, vfe_gpa(vfe, ring->bufs));
    notify(vfe, ring);
    return 0;
}

/* Receiving. */

static void
post_rx(struct vfe *vfe, struct vfe_ring *ring, uint16_t id)
{
    uint32_t len = ring->buf_size;

    post_chain(ring, &id, &len, 1, VFE_DESC_WRITE, vfe_gpa(vfe, ring->bufs));
}

/* Gives the peer all the buffers that it does not have, to receive into. */
void
vfe_post_all(struct vfe *vfe, struct vfe_ring *ring)
{
    while (ring->n_free) {
        post_rx(vfe, ring, ring->free[--ring->n_free]);
    }
    notify(vfe, ring);
}

/* Returns true if vfe_rx() has something to do. */
bool
vfe_rx_pending(const struct vfe_ring *ring)
{
    uint32_t id, len;

    return peek_used(ring, 0, &id, &len);
}

/* Receives a packet: '*size' bytes into 'frame', and its header.  The buffers
 * go back to the peer.  EAGAIN if there is no packet; EPROTO if what the peer
 * wrote makes no sense. */
int
vfe_rx(struct vfe *vfe, struct vfe_ring *ring, struct vfe_net_hdr *hdr,
       uint8_t frame[VFE_MAX_FRAME], size_t *size)
{
    unsigned int n_buffers = 1;
    uint32_t id, len;

    *size = 0;
    if (!peek_used(ring, 0, &id, &len)) {
        return EAGAIN;
    }
    if (id >= ring->size || ring->chain_len[id] != 1 || len < vfe->hdr_size) {
        return EPROTO;
    }
    memset(hdr, 0, sizeof *hdr);
    memcpy(hdr, ring->bufs + id * ring->buf_size, vfe->hdr_size);
    if (has_feature(vfe, VFE_F_MRG_RXBUF)) {
        n_buffers = hdr->num_buffers;
        if (!n_buffers || n_buffers > ring->size) {
            return EPROTO;
        }
        if (!peek_used(ring, n_buffers - 1, &id, &len)) {
            return EAGAIN;
        }
    }

    for (unsigned int i = 0; i < n_buffers; i++) {
        size_t skip = i ? 0 : vfe->hdr_size;

        peek_used(ring, 0, &id, &len);
        if (id >= ring->size || ring->chain_len[id] != 1
            || len > ring->buf_size || len - skip > VFE_MAX_FRAME - *size) {
            return EPROTO;
        }
        memcpy(frame + *size, ring->bufs + id * ring->buf_size + skip,
               len - skip);
        *size += len - skip;
        take_used(vfe, ring, id);
        post_rx(vfe, ring, id);
    }
    notify(vfe, ring);
    return 0;
}

/* Waits for one of 'n' rings; see below. */
static int
wait_rings(struct vfe *vfe, struct vfe_ring *rings[], unsigned int n,
           int timeout_ms)
{
    struct pollfd pfds[VFE_MAX_PAIRS + 1];
    uint64_t count;
    char byte;

    assert(n <= VFE_MAX_PAIRS);

    /* The caller may have looked before the peer knew that we want to hear of
     * it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned int i = 0; i < n; i++) {
        if (vfe_rx_pending(rings[i])) {
            return 0;
        }
        pfds[i] = (struct pollfd) { .fd = rings[i]->call_fd,
                                    .events = POLLIN };
    }
    pfds[n] = (struct pollfd) { .fd = vfe->fd, .events = POLLIN };
    if (poll(pfds, n + 1, timeout_ms) <= 0) {
        return ETIMEDOUT;
    }
    if (pfds[n].revents) {
        return (recv(vfe->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0
                ? ECONNRESET : EPROTO);
    }
    for (unsigned int i = 0; i < n; i++) {
        if (pfds[i].revents) {
            ssize_t size = read(pfds[i].fd, &count, sizeof count);

            (void) size;
        }
    }
    return 0;
}

/* Waits until the peer has used something in 'ring', which the caller has
 * found empty.  May return too early. */
int
vfe_wait(struct vfe *vfe, struct vfe_ring *ring, int timeout_ms)
{
    return wait_rings(vfe, &ring, 1, timeout_ms);
}

/* The same for all rings to the guest. */
int
vfe_wait_rx(struct vfe *vfe, int timeout_ms)
{
    struct vfe_ring *rings[VFE_MAX_PAIRS];

    for (unsigned int i = 0; i < vfe->n_pairs; i++) {
        rings[i] = vfe_rx_ring(vfe, i);
    }
    return wait_rings(vfe, rings, vfe->n_pairs, timeout_ms);
}
