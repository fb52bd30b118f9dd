/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* The life of a guest's device: features, memory, and rings that are set up,
 * started and stopped. */

#include "vhost-frontend.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

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
    vfe->timeout_ms = 60000;
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
    if (!vfe_has_feature(vfe, VFE_F_CSUM)) {
        vfe->features &= ~(VFE_BIT(VFE_F_HOST_TSO4) | VFE_BIT(VFE_F_HOST_TSO6)
                           | VFE_BIT(VFE_F_HOST_UFO)
                           | VFE_BIT(VFE_F_HOST_ECN));
    }
    if (!vfe_has_feature(vfe, VFE_F_GUEST_CSUM)) {
        vfe->features &= ~(VFE_BIT(VFE_F_GUEST_TSO4)
                           | VFE_BIT(VFE_F_GUEST_TSO6)
                           | VFE_BIT(VFE_F_GUEST_UFO)
                           | VFE_BIT(VFE_F_GUEST_ECN));
    }
    if (vfe->n_pairs == 1) {
        vfe->features &= ~VFE_BIT(VFE_F_MQ);
    }
    if (!vfe_has_feature(vfe, VFE_F_VERSION_1)) {
        vfe->features &= ~VFE_BIT(VFE_F_RING_PACKED);
    }
    if (vfe_has_feature(vfe, VFE_F_RING_PACKED)) {
        vfe->features &= ~VFE_BIT(VFE_F_EVENT_IDX);
    }
    vfe->hdr_size = (vfe_has_feature(vfe, VFE_F_VERSION_1)
                     || vfe_has_feature(vfe, VFE_F_MRG_RXBUF)
                     ? sizeof(struct vfe_net_hdr)
                     : offsetof(struct vfe_net_hdr, num_buffers));

    if (vfe_has_feature(vfe, VFE_F_PROTOCOL_FEATURES)) {
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
                             || !vfe_has_feature(vfe, VFE_F_MQ))) {
        vfe->step = "ask for several queues";
        return EOPNOTSUPP;
    }

    vfe->step = "SET_OWNER";
    error = vfe_command(vfe, VFE_SET_OWNER, NULL, 0, NULL, 0);
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

    return (to_guest && !vfe_has_feature(vfe, VFE_F_MRG_RXBUF) ? ANY_PACKET
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
    ring->packed = vfe_has_feature(vfe, VFE_F_RING_PACKED);
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
    return vfe_command(vfe, VFE_SET_MEM_TABLE, &table,
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
        error = vfe_command(vfe, VFE_SET_VRING_ADDR, &addr, sizeof addr, NULL,
                            0);
    }
    if (!error) {
        vfe->step = "SET_VRING_CALL";
        error = vfe_command(vfe, VFE_SET_VRING_CALL, &index, sizeof index,
                            &ring->call_fd, 1);
    }
    if (!error) {
        vfe->step = "SET_VRING_KICK";
        error = vfe_command(vfe, VFE_SET_VRING_KICK, &index, sizeof index,
                            &ring->kick_fd, 1);
    }
    return error;
}

int
vfe_enable_ring(struct vfe *vfe, struct vfe_ring *ring, bool enable)
{
    if (!vfe_has_feature(vfe, VFE_F_PROTOCOL_FEATURES)) {
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
        int error = vfe_transact(vfe, VFE_GET_VRING_BASE, &state, sizeof state,
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
