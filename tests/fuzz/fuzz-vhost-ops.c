/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* What a guest of fuzz-vhost can do: packets, descriptors, rings, messages. */

#include "fuzz-vhost.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "packet.h"
#include "packets.h"

static struct vfe_ring *
take_ring(struct pair *pair, struct input *in)
{
    return &pair->vfe.rings[take8(in) % (2 * pair->n_pairs)];
}

/* A good frame and a good header, with changes. */
void
op_frame(struct pair *pair, struct input *in)
{
    static uint8_t frame[VFE_MAX_FRAME];
    uint8_t kind = take8(in);
    struct packet_spec spec = {
        .eth_dst = { 2, 0, 0, 0, 0, 1 },
        .eth_src = { 2, 0, 0, 0, 0, 2 },
        .ip_version = kind & 1 ? 4 : 6,
        .tcp = kind & 2,
        .n_vlans = kind & 4 ? 1 : 0,
        .n_options = kind & 8 ? 8 : 0,
        .payload_len = kind & 16 ? take16(in) % 65000 : 200,
        .csum = kind & 32 ? PACKET_CSUM_PARTIAL : PACKET_CSUM_GOOD,
        .seed = 1,
    };
    struct packet_place place;
    size_t size = packet_build(&spec, frame, sizeof frame, &place);
    struct vfe_net_hdr hdr = { .flags = 0 };

    if (kind & 32) {
        hdr.flags = VFE_HDR_NEEDS_CSUM;
        hdr.csum_start = place.l4;
        hdr.csum_offset = place.csum - place.l4;
        if (kind & 64) {
            hdr.gso_type = kind & 1 ? VFE_GSO_TCPV4 : VFE_GSO_TCPV6;
            hdr.gso_size = 1000;
            hdr.hdr_len = place.payload;
        }
    }
    take_patches(in, &hdr, sizeof hdr);
    take_patches(in, frame, MIN(size, 128));
    if (kind & 128) {
        size = take16(in) % (size + 1);
    }
    vfe_tx(&pair->vfe, vfe_tx_ring(&pair->vfe, 0), &hdr, frame, size);
}

/* Any bytes. */
void
op_bytes(struct pair *pair, struct input *in)
{
    uint8_t frame[256];
    struct vfe_net_hdr hdr;
    size_t size = take8(in);

    take(in, &hdr, sizeof hdr);
    take(in, frame, size);
    vfe_tx(&pair->vfe, vfe_tx_ring(&pair->vfe, 0), &hdr, frame, size);
}

/* An address, in memory or not. */
static uint64_t
take_address(struct pair *pair, struct input *in)
{
    struct vfe *vfe = &pair->vfe;
    uint8_t kind = take8(in);
    const struct vfe_region *region = &vfe->regions[kind % vfe->n_regions];

    switch (kind >> 5) {
    case 0:
        return take64(in);
    case 1:
        return region->gpa + region->size - take16(in);
    case 2:
        return region->gpa + take32(in);
    default:
        return region->gpa + region->used + take16(in);
    }
}

/* A chain of descriptors; in split rings, from the beginning of the table. */
void
op_chain(struct pair *pair, struct input *in)
{
    struct vfe_desc descs[16];
    unsigned int n = 1 + take8(in) % ARRAY_SIZE(descs);
    bool good_links = take8(in) & 1;
    struct vfe_ring *ring = take_ring(pair, in);

    for (unsigned int i = 0; i < n; i++) {
        descs[i].addr = take_address(pair, in);
        descs[i].len = take8(in) & 1 ? take32(in) : take16(in);
        descs[i].flags = take16(in);
        descs[i].next = take16(in);
        if (good_links) {
            descs[i].flags &= VFE_DESC_WRITE | VFE_DESC_INDIRECT;
            descs[i].flags |= i + 1 < n ? VFE_DESC_NEXT : 0;
            descs[i].next = i + 1;
        }
    }
    vfe_post_raw(&pair->vfe, ring, descs, n);
}

/* Bytes anywhere in a ring: 0 its descriptors, 1 what else we write, 2 what
 * only the device should. */
void
op_ring(struct pair *pair, struct input *in)
{
    struct vfe_ring *ring = take_ring(pair, in);
    size_t size = ring->size * sizeof(struct vfe_desc);
    uint8_t *part = NULL;

    switch (take8(in) % 3) {
    case 0:
        part = (uint8_t *) (ring->packed ? (void *) ring->packed_desc
                            : (void *) ring->desc);
        break;
    case 1:
        part = (uint8_t *) (ring->packed ? (void *) ring->driver_event
                            : (void *) ring->avail);
        size = ring->packed ? 4 : 6 + 2 * ring->size;
        break;
    case 2:
        part = (uint8_t *) (ring->packed ? (void *) ring->device_event
                            : (void *) ring->used);
        size = ring->packed ? 4 : 6 + 8 * ring->size;
        break;
    }

    size_t ofs = take16(in) % size;
    size_t n = MIN(take8(in) % 64, size - ofs);
    take(in, part + ofs, n);
}

/* Bytes where the chains above lead. */
void
op_memory(struct pair *pair, struct input *in)
{
    struct vfe *vfe = &pair->vfe;
    struct vfe_region *region = &vfe->regions[take8(in) % vfe->n_regions];
    size_t ofs = take16(in);
    size_t n = take8(in);

    assert(region->used + ofs + n <= region->size);
    take(in, region->mem + region->used + ofs, n);
}

/* The available index moves. */
void
op_index(struct pair *pair, struct input *in)
{
    struct vfe_ring *ring = take_ring(pair, in);
    int8_t n = take8(in);

    if (!ring->packed) {
        ring->avail_idx += n;
        __atomic_store_n(&ring->avail->idx, ring->avail_idx, __ATOMIC_RELEASE);
    }
}

/* Takes what has come. */
void
op_receive(struct pair *pair)
{
    static uint8_t frame[VFE_MAX_FRAME];
    struct vfe_net_hdr hdr;
    size_t size;

    for (unsigned int i = 0; i < pair->n_pairs; i++) {
        for (unsigned int j = 0; j < pair->vfe.ring_size; j++) {
            int error = vfe_rx(&pair->vfe, vfe_rx_ring(&pair->vfe, i), &hdr,
                               frame, &size);

            if (error) {
                assert(error == EAGAIN || pair->dirty);
                break;
            }
            assert(pair->dirty || size >= ETH_HEADER_LEN);
        }
    }
}

/* Stores in 'payload' what would be good in the message 'request'.  Returns
 * its size. */
static size_t
good_payload(struct pair *pair, uint32_t request, struct vfe_ring *ring,
             struct vfe_payload *payload)
{
    struct vfe *vfe = &pair->vfe;

    memset(payload, 0, sizeof *payload);
    switch (request) {
    case VFE_SET_FEATURES:
        payload->u64 = vfe->features;
        return 8;

    case VFE_SET_PROTOCOL_FEATURES:
        payload->u64 = vfe->protocol;
        return 8;

    case VFE_SET_MEM_TABLE:
        payload->mem.n = vfe->n_regions;
        for (unsigned int i = 0; i < vfe->n_regions; i++) {
            payload->mem.regions[i].gpa = vfe->regions[i].gpa;
            payload->mem.regions[i].size = vfe->regions[i].size;
            payload->mem.regions[i].uva = vfe->regions[i].uva;
        }
        return 8 + 32 * vfe->n_regions;

    case VFE_SET_VRING_ADDR:
        payload->addr.index = ring->index;
        payload->addr.desc = vfe_uva(vfe, (ring->packed
                                           ? (void *) ring->packed_desc
                                           : (void *) ring->desc));
        payload->addr.avail = vfe_uva(vfe, (ring->packed
                                            ? (void *) ring->driver_event
                                            : (void *) ring->avail));
        payload->addr.used = vfe_uva(vfe, (ring->packed
                                           ? (void *) ring->device_event
                                           : (void *) ring->used));
        return sizeof payload->addr;

    case VFE_SET_VRING_NUM:
        payload->state.index = ring->index;
        payload->state.num = ring->size;
        return 8;

    case VFE_SET_VRING_ENABLE:
        payload->state.index = ring->index;
        payload->state.num = 1;
        return 8;

    case VFE_SET_VRING_BASE:
    case VFE_GET_VRING_BASE:
    case VFE_SET_VRING_KICK:
    case VFE_SET_VRING_CALL:
    case VFE_SET_VRING_ERR:
        payload->state.index = ring->index;
        return 8;

    case VFE_IOTLB_MSG:
        return 32;

    case VFE_GET_INFLIGHT_FD:
    case VFE_SET_INFLIGHT_FD:
        payload->u64 = 4096;
        return 24;

    case VFE_GET_FEATURES:
    case VFE_GET_PROTOCOL_FEATURES:
    case VFE_GET_QUEUE_NUM:
    case VFE_SET_OWNER:
    case VFE_RESET_OWNER:
        return 0;

    default:
        payload->u64 = 4096;
        return 16;
    }
}

/* A message, of any kind, with changes, maybe with descriptors, among them
 * 'some_fd'.  Returns what vfe_recv() does. */
int
op_message(struct pair *pair, struct input *in, int some_fd)
{
    struct vfe *vfe = &pair->vfe;
    uint8_t bytes[sizeof(struct vfe_header) + sizeof(struct vfe_payload)];
    struct vfe_header header = { .request = take8(in) % 44 };
    struct vfe_ring *ring = take_ring(pair, in);
    struct vfe_payload payload;
    uint8_t flags = take8(in);
    int fds[VFE_MAX_REGIONS];
    size_t n_fds = 0;

    header.flags = VFE_VERSION | (flags & VFE_NEED_REPLY);
    header.size = good_payload(pair, header.request, ring, &payload);
    if (flags & 1) {
        n_fds = (header.request == VFE_SET_MEM_TABLE ? vfe->n_regions
                 : take8(in) % (ARRAY_SIZE(fds) + 1));
    }
    for (size_t i = 0; i < n_fds; i++) {
        fds[i] = (header.request == VFE_SET_MEM_TABLE ? vfe->regions[i].fd
                  : header.request == VFE_SET_VRING_KICK ? ring->kick_fd
                  : header.request == VFE_SET_VRING_CALL ? ring->call_fd
                  : some_fd);
        if (flags & 2 && take8(in) & 1) {
            fds[i] = some_fd;
        }
    }
    if (flags & 4) {
        take_patches(in, &payload, MAX(header.size, 8));
    }
    if (flags & 16) {
        /* Still the size that is sent, else the peer waits for the rest. */
        header.size = take8(in);
    }
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, &payload, sizeof payload);
    pair->dirty = true;
    if (header.request == VFE_SET_PROTOCOL_FEATURES) {
        pair->confused = true;
    }

    int error = vfe_send_raw(vfe, bytes, sizeof header + header.size, fds,
                             n_fds);

    /* Answers in between are skipped. */
    if (!error) {
        error = vfe_send(vfe, VFE_GET_FEATURES, 0, NULL, 0, NULL, 0);
    }
    while (!error) {
        error = vfe_recv(vfe, &header, &payload);
        if (!error && header.request == VFE_GET_FEATURES
            && !(header.flags & VFE_NEED_REPLY)) {
            break;
        }
    }
    return error;
}
