/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

#include "vhost-hostile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuse-file.h"
#include "packet.h"
#include "vhost-frontend.h"

#define N_ELEMS(ARRAY) (sizeof ARRAY / sizeof ARRAY[0])

#define PAGE 4096u

/* How long to wait for something that may not happen, in ms. */
#define PATIENCE_MS 500

/* Bytes. */
#define HUGE_PAGE (2 << 20)

/* How often floods repeat. */
#define FLOOD 2000

struct ctx {
    struct vfe *vfe;
    hostile_open_func *open;
    const struct hostile *what;
    struct vfe_ring *tx, *rx;       /* Of the first queue pair. */
    uint8_t *good;                  /* A header and a frame, shared. */
    size_t good_size;               /* Of both. */
    uint64_t good_gpa;
};

/* Flags of struct hostile. */
#define CONNECT_ONLY (1 << 0)       /* Nothing is agreed on before. */
#define NEGOTIATE_ONLY (1 << 1)     /* There is memory, but the peer does not
                                     * know of it. */
#define SPLIT_ONLY (1 << 2)         /* Makes no sense with packed rings. */
#define BIG_MEMORY (1 << 3)         /* Needs 5 GB of (empty) memory. */
#define SOME_MEMORY (1 << 7)        /* 32 MB of it. */
#define PACKED_ONLY (1 << 8)
#define SMALL_RINGS (1 << 9)        /* Of 8 descriptors. */
#define NO_CSUM (1 << 4)            /* Without the feature CSUM. */
#define NO_INDIRECT (1 << 5)        /* Without the feature INDIRECT_DESC. */
#define LOGGING (1 << 6)            /* With what migration needs. */

/* Frames; see build_payload(). */
enum payload {
    TCP4, TCP6, UDP4, UDP6, TCP4_BIG, TCP6_BIG, UDP4_BIG, TCP4_VLAN, FRAGMENT,
    ARP, TINY, BAD_IHL, BAD_TCP_OFS, BAD_TOT_LEN, BAD_IP6_LEN, TCP4_OPTIONS,
    TCP6_OPTIONS, N_PAYLOADS
};

struct bad_header {
    struct vfe_net_hdr hdr;
    enum payload payload;
};

struct hostile {
    const char *name;
    const char *(*run)(struct ctx *);
    unsigned int flags;
    uint64_t arg;                   /* For 'run'. */
    const char *description;
    const struct bad_header *bad;   /* Only for bad_header(). */
};

static const char *unasked_iotlb(struct ctx *);

/* What the peer did. */

static const char *
name_error(int error)
{
    return (!error ? HOSTILE_IGNORED
            : error == ETIMEDOUT ? HOSTILE_NO_ANSWER
            : HOSTILE_DISCONNECTED);
}

/* Waits until the peer has dealt with all messages.  Answers to those that we
 * have not waited for come before: one that is not 0 is a refusal. */
static const char *
settle(struct ctx *ctx)
{
    struct vfe_payload answer;
    struct vfe_header header;
    bool refused = false;

    int error = vfe_send(ctx->vfe, VFE_GET_FEATURES, 0, NULL, 0, NULL, 0);
    if (error) {
        return name_error(error);
    }
    for (;;) {
        error = vfe_recv(ctx->vfe, &header, &answer);
        if (error) {
            return name_error(error);
        }
        if (header.request == VFE_GET_FEATURES
            && !(header.flags & VFE_NEED_REPLY)) {
            return refused ? HOSTILE_REFUSED : HOSTILE_IGNORED;
        }
        if (header.size == sizeof answer.u64 && answer.u64) {
            refused = true;
        }
    }
}

/* Waits a while for the peer to take something from 'ring', which it has been
 * told of. */
static const char *
judge_ring(struct ctx *ctx, struct vfe_ring *ring)
{
    vfe_kick(ring, true);
    for (int i = 0; i < PATIENCE_MS / 10 && !vfe_rx_pending(ring); i++) {
        if (!vfe_wait_closed(ctx->vfe, 10)) {
            return HOSTILE_DISCONNECTED;
        }
    }

    bool taken = vfe_rx_pending(ring);
    const char *result = settle(ctx);
    return (strcmp(result, HOSTILE_IGNORED) || !taken ? result
            : HOSTILE_DROPPED);
}

/* Posts a chain to the ring from the guest. */
static const char *
post(struct ctx *ctx, const struct vfe_desc *descs, unsigned int n)
{
    vfe_post_raw(ctx->vfe, ctx->tx, descs, n);
    return judge_ring(ctx, ctx->tx);
}

/* Sends a message and does not wait. */
static int
say(struct ctx *ctx, uint32_t request, uint32_t flags, const void *payload,
    size_t size, const int *fds, size_t n_fds)
{
    return vfe_send(ctx->vfe, request, flags, payload, size, fds, n_fds);
}

/* The same for a message that is to fail.  With NEED_REPLY, the peer may think
 * that the connection must live on. */
static const char *
say_wrong(struct ctx *ctx, uint32_t request, const void *payload, size_t size,
          const int *fds, size_t n_fds)
{
    int error = say(ctx, request, VFE_NEED_REPLY, payload, size, fds, n_fds);

    return error ? name_error(error) : settle(ctx);
}

static const char *
say_state(struct ctx *ctx, uint32_t request, uint32_t index, uint32_t num)
{
    struct vfe_vring_state state = { .index = index, .num = num };

    return say_wrong(ctx, request, &state, sizeof state, NULL, 0);
}

/* Sends good packets for a while, so that the peer uses the rings, in whatever
 * state they are.  Returns 'result', or what became worse by it. */
static const char *
use_rings(struct ctx *ctx, const char *result)
{
    if (!strcmp(result, HOSTILE_DISCONNECTED)
        || !strcmp(result, HOSTILE_NO_ANSWER)) {
        return result;
    }
    for (int i = 0; i < 64; i++) {
        struct vfe_desc desc = {
            .addr = ctx->good_gpa, .len = ctx->good_size
        };

        vfe_post_raw(ctx->vfe, ctx->tx, &desc, 1);
        vfe_kick(ctx->tx, true);
        if (!vfe_wait_closed(ctx->vfe, 2)) {
            return HOSTILE_DISCONNECTED;
        }
    }

    const char *later = settle(ctx);
    return strcmp(later, HOSTILE_IGNORED) ? later : result;
}

/* Descriptors. */

/* A chain whose last descriptor leads back to its first; 'arg': its
 * length. */
static const char *
desc_circular(struct ctx *ctx)
{
    unsigned int n = ctx->what->arg;
    struct vfe_desc descs[8];

    for (unsigned int i = 0; i < n; i++) {
        descs[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = ctx->good_size,
            .flags = VFE_DESC_NEXT, .next = (i + 1) % n,
        };
    }
    return post(ctx, descs, n);
}

/* A chain of all descriptors of the ring, with 'arg' bytes each. */
static const char *
desc_long(struct ctx *ctx)
{
    unsigned int n = ctx->tx->size;
    struct vfe_desc *descs = calloc(n, sizeof *descs);
    const char *result;

    assert(descs);
    for (unsigned int i = 0; i < n; i++) {
        descs[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = ctx->what->arg,
            .flags = i + 1 < n ? VFE_DESC_NEXT : 0, .next = i + 1,
        };
    }
    result = post(ctx, descs, n);
    free(descs);
    return result;
}

/* A chain that leads to descriptor 'arg'. */
static const char *
desc_next(struct ctx *ctx)
{
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->good_size,
        .flags = VFE_DESC_NEXT, .next = ctx->what->arg,
    };

    return post(ctx, &desc, 1);
}

/* An entry 'arg' in the available ring, or that ID in a packed ring. */
static const char *
desc_head(struct ctx *ctx)
{
    struct vfe_ring *tx = ctx->tx;
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->good_size, .next = ctx->what->arg,
    };

    if (tx->packed) {
        return post(ctx, &desc, 1);
    }
    tx->avail->ring[tx->avail_idx++ % tx->size] = ctx->what->arg;
    __atomic_store_n(&tx->avail->idx, tx->avail_idx, __ATOMIC_RELEASE);
    return judge_ring(ctx, tx);
}

/* A packet at the guest physical address 'arg'. */
static const char *
desc_addr(struct ctx *ctx)
{
    struct vfe_desc desc = { .addr = ctx->what->arg, .len = 128 };

    return post(ctx, &desc, 1);
}

/* A good header, and then a packet at the address 'arg'. */
static const char *
desc_addr_second(struct ctx *ctx)
{
    struct vfe_desc descs[] = {
        { .addr = ctx->good_gpa, .len = ctx->vfe->hdr_size,
          .flags = VFE_DESC_NEXT, .next = 1 },
        { .addr = ctx->what->arg, .len = 128 },
    };

    return post(ctx, descs, 2);
}

/* A packet that begins 'arg' bytes before the end of the memory. */
static const char *
desc_addr_end(struct ctx *ctx)
{
    struct vfe_region *region = &ctx->vfe->regions[ctx->vfe->n_regions - 1];
    struct vfe_desc desc = {
        .addr = region->gpa + region->size - ctx->what->arg, .len = 2000,
    };

    return post(ctx, &desc, 1);
}

/* One descriptor with 'arg' bytes. */
static const char *
desc_len(struct ctx *ctx)
{
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->what->arg,
    };

    return post(ctx, &desc, 1);
}

/* 16 descriptors with 'arg' bytes each. */
static const char *
desc_len_chain(struct ctx *ctx)
{
    struct vfe_desc descs[16];

    for (unsigned int i = 0; i < N_ELEMS(descs); i++) {
        descs[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = ctx->what->arg,
            .flags = i + 1 < N_ELEMS(descs) ? VFE_DESC_NEXT : 0,
            .next = i + 1,
        };
    }
    return post(ctx, descs, N_ELEMS(descs));
}

/* As many descriptors as one packet may have, whose lengths add up to 4 GB
 * and 'arg' bytes (as a signed number), which is 'arg' in 32 bits. */
static const char *
desc_wrap(struct ctx *ctx)
{
    uint64_t left = (UINT64_C(1) << 32) + ctx->what->arg;
    struct vfe_desc descs[256];

    for (unsigned int i = 0; i < N_ELEMS(descs); i++) {
        uint32_t len = left / (N_ELEMS(descs) - i);

        descs[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = len,
            .flags = i + 1 < N_ELEMS(descs) ? VFE_DESC_NEXT : 0,
            .next = i + 1,
        };
        left -= len;
    }
    return post(ctx, descs, N_ELEMS(descs));
}

/* Four packets at once, of which the first is too short and the second larger
 * than others, again and again. */
static const char *
desc_batch(struct ctx *ctx)
{
    static const uint32_t lens[] = { 5, 5000, 100, 100 };
    struct vfe_ring *tx = ctx->tx;
    const char *result = HOSTILE_DROPPED;

    for (unsigned int i = 0; i < tx->size; i += N_ELEMS(lens)) {
        struct vfe_packed_desc *descs = &tx->packed_desc[i];
        uint16_t flags = tx->avail_wrap ? VFE_DESC_AVAIL : VFE_DESC_USED;

        for (int j = N_ELEMS(lens) - 1; j >= 0; j--) {
            descs[j].addr = ctx->good_gpa;
            descs[j].len = lens[j];
            descs[j].id = j;
            __atomic_store_n(&descs[j].flags, flags, __ATOMIC_RELEASE);
        }
        for (unsigned int j = 0; j < N_ELEMS(lens); j++) {
            tx->used_idx = i + j;
            result = judge_ring(ctx, tx);
            if (strcmp(result, HOSTILE_DROPPED)) {
                return result;
            }
        }
    }
    return result;
}

/* A packet in pieces of 'arg' bytes, header included.  This is allowed. */
static const char *
desc_pieces(struct ctx *ctx)
{
    unsigned int n = (ctx->good_size + ctx->what->arg - 1) / ctx->what->arg;
    struct vfe_desc descs[256];

    n = n < N_ELEMS(descs) ? n : N_ELEMS(descs);
    n = n < ctx->tx->size ? n : ctx->tx->size;
    for (unsigned int i = 0; i < n; i++) {
        descs[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa + i * ctx->what->arg, .len = ctx->what->arg,
            .flags = i + 1 < n ? VFE_DESC_NEXT : 0, .next = i + 1,
        };
    }
    return post(ctx, descs, n);
}

/* A packet whose descriptor has the flags 'arg'. */
static const char *
desc_flags(struct ctx *ctx)
{
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->good_size, .flags = ctx->what->arg,
    };

    return post(ctx, &desc, 1);
}

enum {
    TABLE_ODD,              /* Not a multiple of the size of descriptors. */
    TABLE_EMPTY,
    TABLE_OUTSIDE,
    TABLE_END,              /* Reaches over the end of the memory. */
    TABLE_HUGE,
    TABLE_NESTED,
    TABLE_CIRCULAR,
    TABLE_NEXT,             /* Leads out of the table. */
    TABLE_AND_NEXT,         /* INDIRECT and NEXT. */
    TABLE_GOOD,
};

/* A table of descriptors. */
static const char *
desc_indirect(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_region *region = &vfe->regions[vfe->n_regions - 1];
    struct vfe_desc *table = vfe_alloc(vfe, 0, 64 * sizeof *table, 16);
    struct vfe_desc desc = {
        .addr = vfe_gpa(vfe, table), .len = 2 * sizeof *table,
        .flags = VFE_DESC_INDIRECT,
    };

    for (int i = 0; i < 64; i++) {
        table[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = ctx->good_size,
        };
    }
    if (!ctx->tx->packed) {
        table[0].len = vfe->hdr_size;
        table[0].flags = VFE_DESC_NEXT;
        table[0].next = 1;
    }

    switch (ctx->what->arg) {
    case TABLE_ODD:
        desc.len += 7;
        break;
    case TABLE_EMPTY:
        desc.len = 0;
        break;
    case TABLE_OUTSIDE:
        desc.addr = 0x1000;
        break;
    case TABLE_END:
        desc.addr = region->gpa + region->size - sizeof *table;
        desc.len = 64 * sizeof *table;
        break;
    case TABLE_HUGE:
        desc.len = UINT32_MAX - 15;
        break;
    case TABLE_NESTED:
        table[0] = desc;
        break;
    case TABLE_CIRCULAR:
        table[1].flags = VFE_DESC_NEXT;
        table[1].next = 0;
        break;
    case TABLE_NEXT:
        table[0].next = 0xffff;
        break;
    case TABLE_AND_NEXT:
        desc.flags |= VFE_DESC_NEXT;
        break;
    case TABLE_GOOD:
        break;
    }
    return post(ctx, &desc, 1);
}

/* Rings. */

/* The available index moves by 'arg'. */
static const char *
ring_jump(struct ctx *ctx)
{
    struct vfe_ring *tx = ctx->tx;

    tx->avail_idx += ctx->what->arg;
    __atomic_store_n(&tx->avail->idx, tx->avail_idx, __ATOMIC_RELEASE);
    return judge_ring(ctx, tx);
}

/* A ring of 8 descriptors, of which 60000 are there. */
static const char *
ring_small(struct ctx *ctx)
{
    struct vfe_ring *tx = ctx->tx;

    for (unsigned int i = 0; i < tx->size; i++) {
        tx->desc[i] = (struct vfe_desc) {
            .addr = ctx->good_gpa, .len = ctx->good_size,
        };
        tx->avail->ring[i] = i;
    }
    tx->avail_idx += 60000;
    __atomic_store_n(&tx->avail->idx, tx->avail_idx, __ATOMIC_RELEASE);
    return judge_ring(ctx, tx);
}

/* All descriptors are available, all the time, and lead anywhere. */
static const char *
ring_garbage(struct ctx *ctx)
{
    struct vfe_ring *tx = ctx->tx;
    uint32_t state = 1;

    for (int round = 0; round < 64; round++) {
        for (unsigned int i = 0; i < tx->size; i++) {
            struct vfe_desc desc = {
                .addr = packet_random(&state) % 2 ? ctx->good_gpa
                        : (uint64_t) packet_random(&state) << 32
                          | packet_random(&state),
                .len = packet_random(&state) >> packet_random(&state) % 32,
                .flags = packet_random(&state),
                .next = packet_random(&state),
            };

            if (tx->packed) {
                memcpy(&tx->packed_desc[i], &desc, sizeof desc);
            } else {
                tx->desc[i] = desc;
                tx->avail->ring[i] = packet_random(&state);
            }
        }
        if (!tx->packed) {
            tx->avail_idx += tx->size;
            __atomic_store_n(&tx->avail->idx, tx->avail_idx,
                             __ATOMIC_RELEASE);
        }
        vfe_kick(tx, true);
        if (!vfe_wait_closed(ctx->vfe, 5)) {
            return HOSTILE_DISCONNECTED;
        }
    }
    return judge_ring(ctx, tx);
}

/* The index of the used ring, which belongs to the peer, is overwritten. */
static const char *
ring_used(struct ctx *ctx)
{
    ctx->tx->used->idx += 0x1234;
    ctx->rx->used->idx += 0x1234;
    return use_rings(ctx, settle(ctx));
}

/* Buffers to receive into; what happens shows when packets are sent to this
 * port. */

enum {
    RX_SHORT,               /* Too short for the header. */
    RX_EMPTY,
    RX_OUTSIDE,
    RX_END,                 /* Reaches over the end of the memory. */
    RX_READ_ONLY,
    RX_CIRCULAR,
    RX_HUGE,
    RX_HEAD,                /* Not in the ring. */
    RX_NONE,
    RX_RING,                /* The buffer is the ring itself. */
    RX_JUMP,                /* Far more than there are, and small ones. */
};

static const char *
rx_buffers(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_ring *rx = ctx->rx;
    struct vfe_region *region = &vfe->regions[vfe->n_regions - 1];

    for (unsigned int i = 0; i < rx->size; i++) {
        struct vfe_desc *desc = rx->packed
                                ? (struct vfe_desc *) &rx->packed_desc[i]
                                : &rx->desc[i];

        /* The last two members of a packed descriptor are the other way
         * round. */
        uint16_t *flags = rx->packed ? &rx->packed_desc[i].flags
                          : &rx->desc[i].flags;

        switch (ctx->what->arg) {
        case RX_SHORT:
            desc->len = 5;
            break;
        case RX_EMPTY:
            desc->len = 0;
            break;
        case RX_OUTSIDE:
            desc->addr = 0x1000;
            break;
        case RX_END:
            desc->addr = region->gpa + region->size - 16;
            break;
        case RX_READ_ONLY:
            *flags &= ~VFE_DESC_WRITE;
            break;
        case RX_CIRCULAR:
            *flags |= VFE_DESC_NEXT;
            if (!rx->packed) {
                desc->next = i;
            }
            break;
        case RX_HUGE:
            desc->len = UINT32_MAX;
            break;
        case RX_HEAD:
            if (rx->packed) {
                rx->packed_desc[i].id = 0xffff;
            } else {
                rx->avail->ring[i] = 0xffff;
            }
            break;
        case RX_NONE:
            if (rx->packed) {
                *flags = 0;
            } else {
                rx->avail->idx = 0;
            }
            break;
        case RX_RING:
            desc->addr = vfe_gpa(vfe, rx->packed ? (void *) rx->packed_desc
                                 : (void *) rx->desc);
            break;
        case RX_JUMP:
            desc->len = 20;
            break;
        }
    }
    if (ctx->what->arg == RX_JUMP) {
        rx->avail->idx += 60000;
    }
    return settle(ctx);
}

/* Headers. */

/* Writes a frame of that kind.  Returns its size. */
static size_t
build_payload(int payload, uint8_t *frame, size_t max)
{
    struct packet_spec spec = {
        .eth_dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        .eth_src = { 2, 0, 0, 0, 0, 0xfe },
        .ip_version = (payload == TCP6 || payload == UDP6
                       || payload == TCP6_BIG || payload == TCP6_OPTIONS
                       || payload == BAD_IP6_LEN ? 6 : 4),
        .ip_src = { 10, 255, 0, 1 }, .ip_dst = { 10, 255, 0, 2 },
        .tcp = payload != UDP4 && payload != UDP6 && payload != UDP4_BIG
               && payload != FRAGMENT,
        .sport = 1111, .dport = 2222, .payload_len = 200, .seed = 1,
        .csum = PACKET_CSUM_PARTIAL,
    };
    struct packet_place place;

    switch (payload) {
    case TCP4_BIG:
    case TCP6_BIG:
    case UDP4_BIG:
        spec.payload_len = 8000;
        break;
    case TCP4_VLAN:
        spec.n_vlans = 2;
        spec.vlans[0] = 10;
        spec.vlans[1] = 20;
        break;
    case FRAGMENT:
        spec.frag = 0x2001;
        break;
    case TCP4_OPTIONS:
        spec.n_options = 40;
        break;
    case TCP6_OPTIONS:
        spec.n_options = 64;
        break;
    default:
        break;
    }

    size_t size = packet_build(&spec, frame, max, &place);
    switch (payload) {
    case ARP:
        frame[12] = 8;
        frame[13] = 6;
        break;
    case TINY:
        size = 10;
        break;
    case BAD_IHL:
        frame[place.ip] = 0x4f;
        size = place.ip + 20;
        break;
    case BAD_TCP_OFS:
        frame[place.l4 + 12] = 0xf0;
        size = place.l4 + 24;
        break;
    case BAD_TOT_LEN:
        frame[place.ip + 2] = 0xff;
        break;
    case BAD_IP6_LEN:
        frame[place.ip + 4] = 0xff;
        break;
    default:
        break;
    }
    return size;
}

/* The header 'bad' with the packet that belongs to it. */
static const char *
bad_header(struct ctx *ctx)
{
    const struct bad_header *bad = ctx->what->bad;
    static uint8_t frame[VFE_MAX_FRAME];
    size_t size = build_payload(bad->payload, frame, sizeof frame);

    if (vfe_tx(ctx->vfe, ctx->tx, &bad->hdr, frame, size)) {
        return HOSTILE_NO_ANSWER;
    }
    return judge_ring(ctx, ctx->tx);
}

/* Messages about rings. */

/* The ring has 'arg' descriptors, suddenly. */
static const char *
msg_num(struct ctx *ctx)
{
    const char *result = say_state(ctx, VFE_SET_VRING_NUM, 1, ctx->what->arg);

    ctx->tx->avail->idx += 40;
    return use_rings(ctx, result);
}

/* The ring that packets are received by has 'arg' descriptors, suddenly. */
static const char *
msg_num_rx(struct ctx *ctx)
{
    return use_rings(ctx, say_state(ctx, VFE_SET_VRING_NUM, 0,
                                    ctx->what->arg));
}

/* Tells the peer of both rings, and of the memory.  Enables a ring even if the
 * peer has refused something of it. */
static const char *
set_rings(struct ctx *ctx)
{
    int error = vfe_set_mem_table(ctx->vfe);
    bool refused = false;

    for (int i = 0; i < 2 && !error; i++) {
        struct vfe_ring *ring = &ctx->vfe->rings[i];

        error = vfe_set_ring(ctx->vfe, ring);
        if (error == EREMOTEIO) {
            refused = true;
            error = vfe_enable_ring(ctx->vfe, ring, true);
            error = error == EREMOTEIO ? 0 : error;
        }
    }
    return error ? name_error(error) : refused ? HOSTILE_REFUSED : settle(ctx);
}

/* Rings with 'arg' descriptors from the beginning. */
static const char *
msg_num_first(struct ctx *ctx)
{
    struct vfe_ring *rings = ctx->vfe->rings;

    rings[0].size = rings[1].size = ctx->what->arg;
    const char *result = set_rings(ctx);
    rings[0].size = rings[1].size = ctx->vfe->ring_size;
    return use_rings(ctx, result);
}

/* Rings that start with descriptor 'arg'. */
static const char *
msg_base_first(struct ctx *ctx)
{
    struct vfe_ring *rings = ctx->vfe->rings;

    rings[0].used_idx = rings[1].used_idx = ctx->what->arg;
    const char *result = set_rings(ctx);
    rings[0].used_idx = rings[1].used_idx = 0;
    return use_rings(ctx, result);
}

enum { ADDR_ZERO, ADDR_OUTSIDE, ADDR_ODD, ADDR_END, ADDR_USED_END, ADDR_LOG,
       ADDR_MAX, ADDR_GOOD };

static struct vfe_vring_addr
bad_addr(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_ring *tx = ctx->tx;
    struct vfe_region *region = &vfe->regions[0];
    uint64_t end = region->uva + region->size;
    struct vfe_vring_addr addr = { .index = 1 };

    if (tx->packed) {
        addr.desc = vfe_uva(vfe, tx->packed_desc);
        addr.avail = vfe_uva(vfe, tx->driver_event);
        addr.used = vfe_uva(vfe, tx->device_event);
    } else {
        addr.desc = vfe_uva(vfe, tx->desc);
        addr.avail = vfe_uva(vfe, tx->avail);
        addr.used = vfe_uva(vfe, tx->used);
    }

    switch (ctx->what->arg) {
    case ADDR_ZERO:
        addr.desc = addr.avail = addr.used = 0;
        break;
    case ADDR_OUTSIDE:
        addr.desc = addr.avail = addr.used = end + PAGE;
        break;
    case ADDR_ODD:
        addr.desc += 3;
        addr.avail += 1;
        addr.used += 1;
        break;
    case ADDR_END:
        addr.desc = end - 16;
        addr.avail = end - 4;
        break;
    case ADDR_USED_END:
        addr.used = end - 8;
        break;
    case ADDR_LOG:
        addr.flags = 1;
        addr.log = UINT64_MAX - 100;
        break;
    case ADDR_MAX:
        addr.desc = addr.avail = addr.used = UINT64_MAX - 15;
        break;
    case ADDR_GOOD:
        break;
    }
    return addr;
}

/* Bad addresses of a running ring. */
static const char *
msg_addr(struct ctx *ctx)
{
    struct vfe_vring_addr addr = bad_addr(ctx);

    return use_rings(ctx, say_wrong(ctx, VFE_SET_VRING_ADDR, &addr,
                                    sizeof addr, NULL, 0));
}

/* Bad addresses from the beginning. */
static const char *
msg_addr_first(struct ctx *ctx)
{
    struct vfe_vring_addr addr = bad_addr(ctx);
    struct vfe *vfe = ctx->vfe;
    uint64_t index = 1;
    int error = vfe_set_mem_table(vfe);

    if (!error) {
        vfe_post_all(vfe, ctx->rx);
        error = vfe_set_ring(vfe, ctx->rx);
    }
    if (!error) {
        error = vfe_set_state(vfe, VFE_SET_VRING_NUM, 1, ctx->tx->size);
    }
    if (error) {
        return name_error(error);
    }
    say(ctx, VFE_SET_VRING_ADDR, VFE_NEED_REPLY, &addr, sizeof addr, NULL, 0);
    say(ctx, VFE_SET_VRING_CALL, VFE_NEED_REPLY, &index, sizeof index,
        &ctx->tx->call_fd, 1);
    say(ctx, VFE_SET_VRING_KICK, VFE_NEED_REPLY, &index, sizeof index,
        &ctx->tx->kick_fd, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct vfe_vring_state state = { .index = i, .num = 1 };

        say(ctx, VFE_SET_VRING_ENABLE, VFE_NEED_REPLY, &state, sizeof state,
            NULL, 0);
    }
    return use_rings(ctx, settle(ctx));
}

/* A ring that is enabled, gets its addresses, and then far more descriptors
 * than there is memory for. */
static const char *
msg_num_late(struct ctx *ctx)
{
    struct vfe_vring_addr addr = bad_addr(ctx);
    struct vfe *vfe = ctx->vfe;
    uint64_t index = 1;
    int error = vfe_set_mem_table(vfe);

    if (!error) {
        error = vfe_enable_ring(vfe, ctx->tx, true);
    }
    if (!error) {
        error = vfe_set_state(vfe, VFE_SET_VRING_NUM, 1, ctx->tx->size);
    }
    if (error) {
        return name_error(error);
    }
    say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
    const char *result = say_state(ctx, VFE_SET_VRING_NUM, 1, 32768);
    say(ctx, VFE_SET_VRING_CALL, 0, &index, sizeof index, &ctx->tx->call_fd,
        1);
    say(ctx, VFE_SET_VRING_KICK, 0, &index, sizeof index, &ctx->tx->kick_fd,
        1);
    return use_rings(ctx, result);
}

/* A message 'arg' about ring 65535, and about ring 255. */
static const char *
msg_index(struct ctx *ctx)
{
    const char *result = say_state(ctx, ctx->what->arg, 65535, 1);

    if (strcmp(result, HOSTILE_DISCONNECTED)
        && strcmp(result, HOSTILE_NO_ANSWER)) {
        result = say_state(ctx, ctx->what->arg, 255, 1);
    }
    return use_rings(ctx, result);
}

/* Rings that have been used are stopped, and started again with 'arg'
 * descriptors or, if that is 0, without their size. */
static const char *
msg_restart(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_vring_addr addr;
    const struct hostile no_change = { .arg = ADDR_GOOD, .name = "" };
    const struct hostile *what = ctx->what;
    const char *result = use_rings(ctx, HOSTILE_IGNORED);

    if (strcmp(result, HOSTILE_IGNORED)) {
        return result;
    }
    int error = vfe_stop(vfe);
    if (error) {
        return name_error(error);
    }
    ctx->what = &no_change;
    for (uint64_t i = 0; i < 2; i++) {
        struct vfe_vring_state state = { .index = i, .num = 1 };
        struct vfe_ring *tx = ctx->tx;

        ctx->tx = &vfe->rings[i];
        addr = bad_addr(ctx);
        addr.index = i;
        if (what->arg) {
            struct vfe_vring_state num = { .index = i, .num = what->arg };

            say(ctx, VFE_SET_VRING_NUM, 0, &num, sizeof num, NULL, 0);
        }
        say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        say(ctx, VFE_SET_VRING_CALL, 0, &i, sizeof i, &ctx->tx->call_fd, 1);
        say(ctx, VFE_SET_VRING_KICK, 0, &i, sizeof i, &ctx->tx->kick_fd, 1);
        say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state, NULL, 0);
        ctx->tx = tx;
    }
    ctx->what = what;
    return use_rings(ctx, settle(ctx));
}

/* Rings are switched off and on all the time, while packets come. */
static const char *
msg_enable_flood(struct ctx *ctx)
{
    for (uint32_t i = 0; i < FLOOD; i++) {
        struct vfe_vring_state state = { .index = i % 4 / 2, .num = i % 2 };
        struct vfe_desc desc = {
            .addr = ctx->good_gpa, .len = ctx->good_size
        };

        vfe_post_raw(ctx->vfe, ctx->tx, &desc, 1);
        vfe_kick(ctx->tx, true);

        int error = say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state,
                        NULL, 0);
        if (error) {
            return name_error(error);
        }
    }
    return settle(ctx);
}

/* Rings are stopped again and again. */
static const char *
msg_base_flood(struct ctx *ctx)
{
    const char *result = HOSTILE_IGNORED;

    for (int i = 0; i < 100 && !strcmp(result, HOSTILE_IGNORED); i++) {
        int error = vfe_stop(ctx->vfe);

        if (error) {
            return name_error(error);
        }
        result = settle(ctx);
    }
    return result;
}

/* Messages about features. */

/* Features 'arg'. */
static const char *
msg_features(struct ctx *ctx)
{
    uint64_t features = ctx->what->arg;

    return use_rings(ctx, say_wrong(ctx, VFE_SET_FEATURES, &features,
                                    sizeof features, NULL, 0));
}

/* The features offered, and one that never was, from the beginning; then all
 * goes on as if that were fine. */
static const char *
msg_features_first(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    uint64_t features;
    int error = vfe_get_u64(vfe, VFE_GET_FEATURES, &features);

    if (!error) {
        features |= VFE_BIT(50) | VFE_BIT(VFE_F_IOMMU_PLATFORM);
        error = vfe_set_u64(vfe, VFE_SET_FEATURES, features);
    }
    if (!error) {
        error = vfe_start(vfe);
    }
    return error ? name_error(error) : settle(ctx);
}

static const char *
msg_protocol(struct ctx *ctx)
{
    uint64_t features = ctx->what->arg;

    return use_rings(ctx, say_wrong(ctx, VFE_SET_PROTOCOL_FEATURES, &features,
                                    sizeof features, NULL, 0));
}

/* All features, and if the peer says no, what they are for nevertheless. */
static const char *
msg_protocol_postcopy(struct ctx *ctx)
{
    uint64_t features = UINT64_MAX;
    const char *result = say_wrong(ctx, VFE_SET_PROTOCOL_FEATURES, &features,
                                   sizeof features, NULL, 0);

    if (strcmp(result, HOSTILE_REFUSED)) {
        return result;
    }
    return say_wrong(ctx, VFE_POSTCOPY_ADVISE, NULL, 0, NULL, 0);
}

static const char *
msg_features_iotlb(struct ctx *ctx)
{
    uint64_t features = UINT64_MAX;
    const char *result = say_wrong(ctx, VFE_SET_FEATURES, &features,
                                   sizeof features, NULL, 0);

    return strcmp(result, HOSTILE_REFUSED) ? result : unasked_iotlb(ctx);
}

/* Split rings of 16 descriptors, which then become packed ones; with 'arg', as
 * if from the start. */
static const char *
msg_features_packed(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    uint64_t features = vfe->features | VFE_BIT(VFE_F_RING_PACKED);
    struct vfe_packed_desc *descs;
    int error = vfe_set_mem_table(vfe);

    if (!(vfe->features_offered & VFE_BIT(VFE_F_RING_PACKED))) {
        return HOSTILE_IGNORED;
    }
    for (int i = 0; i < 2 && !error; i++) {
        error = vfe_set_state(vfe, VFE_SET_VRING_NUM, i, 16);
    }
    if (!error && ctx->what->arg) {
        error = say(ctx, VFE_RESET_OWNER, 0, NULL, 0, NULL, 0);
    }
    if (!error) {
        features &= ~VFE_BIT(VFE_F_EVENT_IDX);
        error = vfe_set_u64(vfe, VFE_SET_FEATURES, features);
    }
    for (uint64_t i = 0; i < 2 && !error; i++) {
        struct vfe_ring *ring = &vfe->rings[i];
        struct vfe_vring_addr addr = {
            .index = i, .desc = vfe_uva(vfe, ring->desc),
            .avail = vfe_uva(vfe, ring->avail),
            .used = vfe_uva(vfe, ring->used),
        };
        struct vfe_vring_state state = { .index = i, .num = 1 };

        say(ctx, VFE_SET_VRING_BASE, 0,
            &(struct vfe_vring_state) { .index = i, .num = 1 << 15 }, 8,
            NULL, 0);
        say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        say(ctx, VFE_SET_VRING_CALL, 0, &i, sizeof i, &ring->call_fd, 1);
        say(ctx, VFE_SET_VRING_KICK, 0, &i, sizeof i, &ring->kick_fd, 1);
        error = say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state, NULL,
                    0);
    }
    if (error) {
        return error == EREMOTEIO ? HOSTILE_REFUSED : name_error(error);
    }

    descs = (struct vfe_packed_desc *) ctx->tx->desc;
    for (int round = 0; round < 64; round++) {
        for (int i = 15; i >= 0; i--) {
            descs[i].addr = ctx->good_gpa;
            descs[i].len = ctx->good_size;
            descs[i].id = 0x4242;
            __atomic_store_n(&descs[i].flags,
                             round % 2 ? VFE_DESC_USED : VFE_DESC_AVAIL,
                             __ATOMIC_RELEASE);
        }
        vfe_kick(ctx->tx, true);
        if (!vfe_wait_closed(vfe, 10)) {
            return HOSTILE_DISCONNECTED;
        }
    }
    return settle(ctx);
}

/* Messages as such. */

/* The message 'arg', with a payload of zeros, as large as any message's. */
static const char *
msg_request(struct ctx *ctx)
{
    uint8_t zeros[264] = { 0 };
    int error = say(ctx, ctx->what->arg, 0, zeros, sizeof zeros, NULL, 0);

    return use_rings(ctx, error ? name_error(error) : settle(ctx));
}

/* The same with NEED_REPLY. */
static const char *
msg_request_ack(struct ctx *ctx)
{
    uint8_t zeros[264] = { 0 };

    return use_rings(ctx, say_wrong(ctx, ctx->what->arg, zeros, sizeof zeros,
                                    NULL, 0));
}

/* 'arg' bytes of the message SET_VRING_ADDR, then silence. */
static const char *
msg_part(struct ctx *ctx)
{
    struct {
        struct vfe_header header;
        struct vfe_vring_addr addr;
    } __attribute__((packed)) message = {
        .header = { .request = VFE_SET_VRING_ADDR, .flags = VFE_VERSION,
                    .size = sizeof message.addr },
    };
    int error = vfe_send_raw(ctx->vfe, &message, ctx->what->arg, NULL, 0);

    if (error) {
        return name_error(error);
    }

    /* No answer is right here, even from a peer that is alive. */
    return (vfe_wait_closed(ctx->vfe, PATIENCE_MS) ? HOSTILE_IGNORED
            : HOSTILE_DISCONNECTED);
}

/* The header says that the message has 'arg' bytes. */
static const char *
msg_size(struct ctx *ctx)
{
    struct {
        struct vfe_header header;
        uint8_t rest[500];
    } message = {
        .header = { .request = VFE_SET_VRING_NUM, .flags = VFE_VERSION,
                    .size = ctx->what->arg },
    };
    size_t size = ctx->what->arg < 500 ? ctx->what->arg : 500;
    int error = vfe_send_raw(ctx->vfe, &message,
                             sizeof message.header + size, NULL, 0);

    if (error) {
        return name_error(error);
    }
    if (!vfe_wait_closed(ctx->vfe, PATIENCE_MS)) {
        return HOSTILE_DISCONNECTED;
    }
    return use_rings(ctx, settle(ctx));
}

/* The header has the flags 'arg'. */
static const char *
msg_flags(struct ctx *ctx)
{
    struct vfe_header header = {
        .request = VFE_SET_OWNER, .flags = ctx->what->arg
    };
    int error = vfe_send_raw(ctx->vfe, &header, sizeof header, NULL, 0);

    return error ? name_error(error) : settle(ctx);
}

/* Questions, whose answers nobody reads. */
static const char *
msg_unread(struct ctx *ctx)
{
    int timeout_ms = ctx->vfe->timeout_ms;
    int error = 0;

    ctx->vfe->timeout_ms = PATIENCE_MS;
    for (int i = 0; i < 100000 && !error; i++) {
        error = say(ctx, VFE_GET_FEATURES, 0, NULL, 0, NULL, 0);
    }
    ctx->vfe->timeout_ms = timeout_ms;

    /* To stop listening to us is right. */
    return error == ECONNRESET ? HOSTILE_DISCONNECTED : HOSTILE_IGNORED;
}

/* File descriptors. */

static int
some_fd(struct ctx *ctx)
{
    return ctx->tx->call_fd;
}

/* Messages 'arg', which take none, with 8 of them. */
static const char *
fd_unwanted(struct ctx *ctx)
{
    uint64_t zeros[4] = { 0 };
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    for (int i = 0; i < FLOOD; i++) {
        int error = say(ctx, ctx->what->arg, VFE_NEED_REPLY, zeros,
                        sizeof zeros, fds, N_ELEMS(fds));
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return name_error(error);
        }
    }
    return use_rings(ctx, settle(ctx));
}

/* More of them than any message takes. */
static const char *
fd_many(struct ctx *ctx)
{
    int fds[VFE_MAX_FDS];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    for (int i = 0; i < 100; i++) {
        int error = say(ctx, ctx->what->arg, VFE_NEED_REPLY, NULL, 0, fds,
                        N_ELEMS(fds));

        if (error) {
            return name_error(error);
        }
    }
    return use_rings(ctx, settle(ctx));
}

/* New ones all the time, in the message 'arg', about a ring that runs. */
static const char *
fd_flood(struct ctx *ctx)
{
    uint64_t index = 1;

    for (int i = 0; i < FLOOD; i++) {
        int fd = eventfd(0, EFD_NONBLOCK);
        int error = say(ctx, ctx->what->arg, 0, &index, sizeof index, &fd, 1);

        close(fd);
        if (error) {
            return name_error(error);
        }
    }
    return use_rings(ctx, settle(ctx));
}

/* None with the message 'arg'. */
static const char *
fd_missing(struct ctx *ctx)
{
    uint64_t index = 1;

    return use_rings(ctx, say_wrong(ctx, ctx->what->arg, &index, sizeof index,
                                    NULL, 0));
}

/* 8 of them with a message about a ring that there cannot be. */
static const char *
fd_index(struct ctx *ctx)
{
    struct vfe_vring_state state = { .index = 65535, .num = 1 };
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    return say_wrong(ctx, VFE_SET_VRING_NUM, &state, sizeof state, fds,
                     N_ELEMS(fds));
}

/* One although the message says that there is none. */
static const char *
fd_denied(struct ctx *ctx)
{
    uint64_t index = 1 | VFE_NO_FD;
    int fd = some_fd(ctx);

    return use_rings(ctx, say_wrong(ctx, ctx->what->arg, &index, sizeof index,
                                    &fd, 1));
}

/* With half a message. */
static const char *
fd_half(struct ctx *ctx)
{
    uint32_t request = VFE_GET_FEATURES;
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }

    int error = vfe_send_raw(ctx->vfe, &request, sizeof request, fds,
                             N_ELEMS(fds));
    if (error) {
        return name_error(error);
    }
    return (vfe_wait_closed(ctx->vfe, PATIENCE_MS) ? HOSTILE_IGNORED
            : HOSTILE_DISCONNECTED);
}

/* With a message of which 'arg' bytes come, of 8, or that is said to have
 * 'arg', if that is more. */
static const char *
fd_cut(struct ctx *ctx)
{
    struct {
        struct vfe_header header;
        uint64_t index;
    } __attribute__((packed)) message = {
        .header = { .request = VFE_SET_VRING_CALL, .flags = VFE_VERSION,
                    .size = sizeof message.index },
    };
    size_t size = sizeof message;
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    if (ctx->what->arg > sizeof message.index) {
        message.header.size = ctx->what->arg;
    } else {
        size = sizeof message.header + ctx->what->arg;
    }

    int error = vfe_send_raw(ctx->vfe, &message, size, fds, N_ELEMS(fds));
    if (error) {
        return name_error(error);
    }
    return (vfe_wait_closed(ctx->vfe, PATIENCE_MS) ? HOSTILE_IGNORED
            : HOSTILE_DISCONNECTED);
}

enum {
    FD_DIRECTORY, FD_PIPE_END, FD_FULL_PIPE, FD_FULL_SOCKET, FD_FULL_EVENT,
    FD_BLOCK = 16,              /* Is added to the last three. */
};

/* What is notified of used packets is not an eventfd, or is full, so that a
 * write would wait; also if that becomes so only when the file is in use. */
static const char *
fd_call(struct ctx *ctx)
{
    uint64_t almost = UINT64_MAX - 1;
    int fd = -1, ends[2] = { -1, -1 };
    unsigned int arg = ctx->what->arg & ~FD_BLOCK;

    switch (arg) {
    case FD_DIRECTORY:
        fd = open("/", O_RDONLY | O_DIRECTORY);
        break;
    case FD_PIPE_END:
    case FD_FULL_PIPE:
    case FD_FULL_SOCKET:
        if (arg == FD_FULL_SOCKET ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
            : pipe(ends)) {
            return HOSTILE_NO_ANSWER;
        }
        fd = ends[1];
        if (arg == FD_PIPE_END) {
            close(ends[0]);
        } else {
            char bytes[4096] = { 0 };

            fcntl(fd, F_SETFL, O_NONBLOCK);
            while (write(fd, bytes, sizeof bytes) > 0) {
                continue;
            }
            fcntl(fd, F_SETFL, 0);
        }
        break;
    case FD_FULL_EVENT:
        fd = eventfd(0, 0);
        if (write(fd, &almost, sizeof almost) != sizeof almost) {
            return HOSTILE_NO_ANSWER;
        }
        break;
    }

    const char *result = HOSTILE_IGNORED;
    for (uint64_t i = 0; i < 2; i++) {
        const char *next = say_wrong(ctx, VFE_SET_VRING_CALL, &i, sizeof i,
                                     &fd, 1);
        result = strcmp(next, HOSTILE_IGNORED) ? next : result;
    }
    if (ctx->what->arg & FD_BLOCK && fcntl(fd, F_SETFL, 0)) {
        return HOSTILE_NO_ANSWER;
    }
    return use_rings(ctx, result);
}

/* Memory. */

enum {
    MEM_NONE, MEM_TOO_MANY, MEM_BILLIONS, MEM_NO_FDS, MEM_BAD_FD, MEM_OVERLAP,
    MEM_SIZE_WRAP, MEM_OFFSET_WRAP, MEM_GPA_WRAP, MEM_UVA_WRAP, MEM_EMPTY,
    MEM_OTHER, MEM_BEYOND_FILE, MEM_FUSE, MEM_HUGE,
};

/* Replaces the memory of running rings by something else. */
static const char *
mem_table(struct ctx *ctx)
{
    struct vfe_region *region = &ctx->vfe->regions[0];
    struct vfe_mem_table table = {
        .n = 1,
        .regions[0] = { .gpa = region->gpa, .size = region->size,
                        .uva = region->uva },
    };
    int fds[VFE_MAX_REGIONS] = { region->fd, region->fd, region->fd,
                                 region->fd, region->fd, region->fd,
                                 region->fd, region->fd };
    size_t n_fds = 1;
    size_t n_regions = 2;
    int fd = -1;

    switch (ctx->what->arg) {
    case MEM_NONE:
        table.n = 0;
        n_fds = 0;
        break;
    case MEM_TOO_MANY:
        table.n = 9;
        n_fds = 8;
        n_regions = 8;
        break;
    case MEM_BILLIONS:
        table.n = UINT32_MAX;
        break;
    case MEM_NO_FDS:
        n_fds = 0;
        table.regions[0].size -= PAGE;
        break;
    case MEM_BAD_FD:
        fd = open("/", O_RDONLY | O_DIRECTORY);
        fds[0] = fd;
        table.regions[0].size -= PAGE;
        break;
    case MEM_OVERLAP:
        table.n = 2;
        n_fds = 2;
        table.regions[1] = table.regions[0];
        table.regions[1].gpa += PAGE;
        table.regions[1].uva += PAGE;
        break;
    case MEM_SIZE_WRAP:
        table.regions[0].size = UINT64_MAX - PAGE + 1;
        break;
    case MEM_OFFSET_WRAP:
        table.regions[0].offset = UINT64_MAX - PAGE + 1;
        break;
    case MEM_GPA_WRAP:
        table.regions[0].gpa = UINT64_MAX - PAGE + 1;
        break;
    case MEM_UVA_WRAP:
        table.regions[0].uva = UINT64_MAX - PAGE + 1;
        break;
    case MEM_EMPTY:
        table.regions[0].size = 0;
        break;
    case MEM_OTHER:
        fd = memfd_create("other", MFD_CLOEXEC);
        if (ftruncate(fd, PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    case MEM_BEYOND_FILE:
        fd = memfd_create("other", MFD_CLOEXEC);
        fds[0] = fd;
        table.regions[0].size -= PAGE;
        break;
    case MEM_FUSE:
        fd = fuse_file_open();
        if (fd < 0) {
            fprintf(stderr, "vhost-guest: %s: not without FUSE (%s)\n",
                    ctx->what->name, strerror(-fd));
            exit(2);
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    case MEM_HUGE:
        fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
        if (fd < 0 || ftruncate(fd, HUGE_PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    }

    const char *result = say_wrong(ctx, VFE_SET_MEM_TABLE, &table,
                                   8 + n_regions * sizeof table.regions[0],
                                   fds, n_fds);
    if (fd >= 0) {
        close(fd);
    }
    return use_rings(ctx, result);
}

/* The memory is taken away while the peer uses it: all of it, or with 'arg'
 * only the packets. */
static const char *
mem_truncate(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_region *region = &vfe->regions[0];
    struct vfe_desc desc = {
        .addr = region->gpa + region->size - PAGE, .len = 1000,
    };

    if (ctx->what->arg) {
        if (ftruncate(region->fd, region->size - PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        return post(ctx, &desc, 1);
    }

    vfe_post_raw(vfe, ctx->tx, &desc, 1);
    if (ftruncate(region->fd, 0)) {
        return HOSTILE_NO_ANSWER;
    }
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        uint64_t one = 1;

        if (write(ctx->tx->kick_fd, &one, sizeof one) < 0
            || !vfe_wait_closed(vfe, 10)) {
            return HOSTILE_DISCONNECTED;
        }
    }
    return settle(ctx);
}

/* A region that is larger than its file, from the beginning, with a packet
 * that is not there. */
static const char *
mem_short_file(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_region *region = &vfe->regions[0];

    region->size += 16 * PAGE;

    int error = vfe_set_mem_table(vfe);
    for (int i = 0; i < 2 && !error; i++) {
        error = vfe_set_ring(vfe, &vfe->rings[i]);
        if (!error) {
            error = vfe_enable_ring(vfe, &vfe->rings[i], true);
        }
    }
    region->size -= 16 * PAGE;
    if (error) {
        return error == EREMOTEIO ? HOSTILE_REFUSED : name_error(error);
    }

    struct vfe_desc desc = {
        .addr = region->gpa + region->size + PAGE, .len = 1000,
    };
    return post(ctx, &desc, 1);
}

/* What was never agreed on, or that a network device does not have. */

/* 'arg': the type of message, 2 adds and 3 removes a translation. */
static const char *
unasked_iotlb(struct ctx *ctx)
{
    struct {
        uint64_t iova, size, uaddr;
        uint8_t perm, type;
        uint8_t padding[6];
    } iotlb = {
        .iova = ctx->good_gpa, .size = PAGE,
        .uaddr = vfe_uva(ctx->vfe, ctx->good), .perm = 3,
        .type = ctx->what->arg,
    };

    return use_rings(ctx, say_wrong(ctx, VFE_IOTLB_MSG, &iotlb, sizeof iotlb,
                                    NULL, 0));
}

struct inflight {
    uint64_t mmap_size, mmap_offset;
    uint16_t n_queues, queue_size;
    uint8_t padding[4];
};

/* A buffer for packets in flight, of one page, which is too small. */
static const char *
unasked_inflight(struct ctx *ctx)
{
    struct inflight inflight = {
        .mmap_size = PAGE, .n_queues = 2, .queue_size = 32768,
    };
    int fd = memfd_create("inflight", MFD_CLOEXEC);

    if (ftruncate(fd, PAGE)) {
        return HOSTILE_NO_ANSWER;
    }

    const char *result = say_wrong(ctx, VFE_SET_INFLIGHT_FD, &inflight,
                                   sizeof inflight, &fd, 1);
    close(fd);
    return use_rings(ctx, result);
}

/* The peer is to make such a buffer.  Whoever does can be made to use up all
 * memory. */
static const char *
unasked_get_inflight(struct ctx *ctx)
{
    struct inflight inflight = { .n_queues = 64, .queue_size = 4096 };

    return use_rings(ctx, say_wrong(ctx, VFE_GET_INFLIGHT_FD, &inflight,
                                    sizeof inflight, NULL, 0));
}

/* Bad files for packets in flight; each may be kept by the peer. */
static const char *
unasked_inflight_flood(struct ctx *ctx)
{
    struct inflight inflight = {
        .mmap_size = UINT64_MAX, .n_queues = 1, .queue_size = 16,
    };

    for (int i = 0; i < FLOOD; i++) {
        int fd = some_fd(ctx);
        int error = say(ctx, VFE_SET_INFLIGHT_FD, VFE_NEED_REPLY, &inflight,
                        sizeof inflight, &fd, 1);
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return name_error(error);
        }
    }
    return settle(ctx);
}

/* Migration by post-copy: page faults of the peer would be ours to solve. */
static const char *
unasked_postcopy(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    int error = vfe_get_u64(vfe, VFE_GET_FEATURES, &vfe->features_offered);

    if (error) {
        return name_error(error);
    }
    return say_wrong(ctx, VFE_POSTCOPY_ADVISE, NULL, 0, NULL, 0);
}

static const char *
unasked_postcopy_flood(struct ctx *ctx)
{
    for (int i = 0; i < FLOOD; i++) {
        int error = say(ctx, VFE_POSTCOPY_ADVISE, VFE_NEED_REPLY, NULL, 0,
                        NULL, 0);
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return name_error(error);
        }
    }
    return settle(ctx);
}

/* The log of migration: 'arg' bytes at an offset of that. */
static const char *
log_offset(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct {
        uint64_t size, offset;
    } log = { .size = ctx->what->arg, .offset = ctx->what->arg };
    int fd = memfd_create("log", MFD_CLOEXEC);

    if (ftruncate(fd, 2 * ctx->what->arg)) {
        return HOSTILE_NO_ANSWER;
    }

    uint64_t protocol = vfe->protocol;
    vfe->protocol = 0;

    const char *result = say_wrong(ctx, VFE_SET_LOG_BASE, &log, sizeof log,
                                   &fd, 1);
    close(fd);
    if (!strcmp(result, HOSTILE_IGNORED)) {
        uint64_t features = vfe->features | VFE_BIT(VFE_F_LOG_ALL);

        result = say_wrong(ctx, VFE_SET_FEATURES, &features, sizeof features,
                           NULL, 0);
        for (uint32_t i = 0; i < 2; i++) {
            struct vfe_ring *ring = &vfe->rings[i];
            struct vfe_vring_addr addr = {
                .index = i, .flags = 1, .log = vfe->regions[0].gpa,
                .desc = vfe_uva(vfe, ring->desc),
                .avail = vfe_uva(vfe, ring->avail),
                .used = vfe_uva(vfe, ring->used),
            };

            say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        }
    }
    result = use_rings(ctx, result);
    vfe->protocol = protocol;
    return result;
}

/* "This guest has moved": allowed. */
static const char *
unasked_rarp(struct ctx *ctx)
{
    uint64_t mac = ctx->what->arg;
    const char *result = HOSTILE_IGNORED;

    for (int i = 0; i < 100 && !strcmp(result, HOSTILE_IGNORED); i++) {
        result = say_wrong(ctx, VFE_SEND_RARP, &mac, sizeof mac, NULL, 0);
    }
    return use_rings(ctx, result);
}

static const char *
unasked_mtu(struct ctx *ctx)
{
    uint64_t mtu = ctx->what->arg;

    return use_rings(ctx, say_wrong(ctx, VFE_NET_SET_MTU, &mtu, sizeof mtu,
                                    NULL, 0));
}

/* Connections. */

/* A second one to the same socket, with rings of its own. */
static const char *
conn_second(struct ctx *ctx)
{
    struct vfe second;
    int error = ctx->open(&second, true);
    const char *result = error ? name_error(error) : HOSTILE_IGNORED;

    if (!error) {
        vfe_wait_closed(&second, PATIENCE_MS);
    }
    vfe_destroy(&second);

    const char *first = settle(ctx);
    return strcmp(first, HOSTILE_IGNORED) ? first : result;
}

/* 'arg' others, which say nothing. */
static const char *
conn_flood(struct ctx *ctx)
{
    unsigned int n = ctx->what->arg;
    struct vfe *others = calloc(n, sizeof *others);
    int timeout_ms = ctx->vfe->timeout_ms;
    unsigned int i;

    assert(others);
    for (i = 0; i < n; i++) {
        if (ctx->open(&others[i], false)) {
            vfe_destroy(&others[i]);
            break;
        }
    }

    const char *result = settle(ctx);
    for (unsigned int j = 0; j < i; j++) {
        vfe_destroy(&others[j]);
    }
    free(others);
    ctx->vfe->timeout_ms = timeout_ms;
    return result;
}

/* 'arg' others, one after the other, which go without a word. */
static const char *
conn_brief(struct ctx *ctx)
{
    for (uint64_t i = 0; i < ctx->what->arg; i++) {
        struct vfe other;
        int error = ctx->open(&other, false);

        vfe_destroy(&other);
        if (error) {
            return name_error(error);
        }
    }
    return settle(ctx);
}

/* All of them. */

static const char *random_headers(struct ctx *);

#define CASE(NAME, RUN, FLAGS, ARG, WHAT) \
    { NAME, RUN, FLAGS, ARG, WHAT, NULL }

static const struct hostile hostiles[] = {
    /* Allowed, for comparison. */
    CASE("good-pieces", desc_pieces, 0, 7, "packet in pieces of 7 bytes"),
    CASE("good-indirect", desc_indirect, 0, TABLE_GOOD,
         "table of descriptors"),

    CASE("desc-self", desc_circular, SPLIT_ONLY, 1, "leads to itself"),
    CASE("desc-circular", desc_circular, SPLIT_ONLY, 2, "two in a circle"),
    CASE("desc-endless", desc_circular, 0, 8, "no end after 8"),
    CASE("desc-long", desc_long, 0, 60, "the whole ring in one chain"),
    CASE("desc-long-large", desc_long, 0, 2000,
         "the same, with far more than 64 KB"),
    CASE("desc-next", desc_next, SPLIT_ONLY, 0x7fff, "leads out of the ring"),
    CASE("desc-head", desc_head, 0, 0xffff, "not in the ring at all"),
    CASE("desc-outside", desc_addr, 0, 0x1000, "address not in memory"),
    CASE("desc-outside-max", desc_addr, 0, UINT64_MAX - 15,
         "address at the end of all"),
    CASE("desc-outside-second", desc_addr_second, 0, 0x1000,
         "only the packet is not in memory"),
    CASE("desc-end", desc_addr_end, 0, 20, "leaves the memory after 20 bytes"),
    CASE("desc-end-header", desc_addr_end, 0, 5, "leaves it in the header"),
    CASE("desc-empty", desc_len, 0, 0, "length 0"),
    CASE("desc-empty-chain", desc_len_chain, 0, 0, "16 of length 0"),
    CASE("desc-short", desc_len, 0, 4, "shorter than the header"),
    CASE("desc-header-only", desc_len, 0, 12, "header without a packet"),
    CASE("desc-13", desc_len, 0, 13, "packet of one byte"),
    CASE("desc-25", desc_len, 0, 25, "packet of 13 bytes"),
    CASE("desc-65k", desc_len, 0, 65536 + 100, "packet of more than 64 KB"),
    CASE("desc-4g", desc_len, BIG_MEMORY, UINT32_MAX, "packet of 4 GB"),
    CASE("desc-4g-outside", desc_len, 0, UINT32_MAX,
         "packet of 4 GB, most of it not in memory"),
    CASE("desc-2g-chain", desc_len_chain, BIG_MEMORY, 0x80000000u,
         "16 times 2 GB, which is 0 in 32 bits"),
    CASE("desc-4g-chain", desc_len_chain, BIG_MEMORY, UINT32_MAX,
         "16 times 4 GB"),
    CASE("desc-wrap-0", desc_wrap, SOME_MEMORY, 0,
         "256 with 2^32 bytes together"),
    CASE("desc-wrap-small", desc_wrap, SOME_MEMORY, 100, "100 bytes more"),
    CASE("desc-wrap-minus-1", desc_wrap, SOME_MEMORY, -1, "1 byte less"),
    CASE("desc-wrap-minus-16", desc_wrap, SOME_MEMORY, -16, "16 bytes less"),
    CASE("desc-wrap-minus-100", desc_wrap, SOME_MEMORY, -100,
         "100 bytes less"),
    CASE("desc-wrap-10000", desc_wrap, SOME_MEMORY, 10000,
         "10000 bytes more"),
    CASE("desc-batch", desc_batch, PACKED_ONLY, 0,
         "a short packet before a long one"),
    CASE("desc-write", desc_flags, 0, VFE_DESC_WRITE, "is to be written"),
    CASE("desc-flags", desc_flags, 0, 0x7f78, "has flags that do not exist"),
    CASE("indirect-odd", desc_indirect, 0, TABLE_ODD, "table of an odd size"),
    CASE("indirect-empty", desc_indirect, 0, TABLE_EMPTY, "empty table"),
    CASE("indirect-outside", desc_indirect, 0, TABLE_OUTSIDE,
         "table not in memory"),
    CASE("indirect-end", desc_indirect, 0, TABLE_END,
         "table that leaves the memory"),
    CASE("indirect-huge", desc_indirect, 0, TABLE_HUGE, "table of 4 GB"),
    CASE("indirect-nested", desc_indirect, 0, TABLE_NESTED,
         "table in a table"),
    CASE("indirect-circular", desc_indirect, 0, TABLE_CIRCULAR,
         "table without end"),
    CASE("indirect-next", desc_indirect, SPLIT_ONLY, TABLE_NEXT,
         "leads out of the table"),
    CASE("indirect-and-next", desc_indirect, 0, TABLE_AND_NEXT,
         "a table, and a chain, too"),
    CASE("indirect-unasked", desc_indirect, NO_INDIRECT, TABLE_GOOD,
         "table without that feature"),

    CASE("ring-jump", ring_jump, SPLIT_ONLY, 300, "more than fit are there"),
    CASE("ring-jump-max", ring_jump, SPLIT_ONLY, 65535, "the index goes back"),
    CASE("ring-small", ring_small, SPLIT_ONLY | SMALL_RINGS, 0,
         "the same with a ring of 8"),
    CASE("ring-garbage", ring_garbage, 0, 0, "anything anywhere"),
    CASE("ring-used", ring_used, SPLIT_ONLY, 0, "writes to the peer's part"),

    CASE("rx-short", rx_buffers, 0, RX_SHORT,
         "no room for the header in buffers to receive into"),
    CASE("rx-empty", rx_buffers, 0, RX_EMPTY, "buffers of length 0"),
    CASE("rx-outside", rx_buffers, 0, RX_OUTSIDE, "buffers not in memory"),
    CASE("rx-end", rx_buffers, 0, RX_END, "buffers that leave the memory"),
    CASE("rx-read-only", rx_buffers, 0, RX_READ_ONLY,
         "buffers not to be written"),
    CASE("rx-circular", rx_buffers, 0, RX_CIRCULAR, "buffers in a circle"),
    CASE("rx-huge", rx_buffers, 0, RX_HUGE, "buffers of 4 GB"),
    CASE("rx-head", rx_buffers, 0, RX_HEAD, "buffers not in the ring at all"),
    CASE("rx-none", rx_buffers, 0, RX_NONE, "no buffers"),
    CASE("rx-jump", rx_buffers, SPLIT_ONLY, RX_JUMP,
         "more buffers than there can be"),
    CASE("rx-ring", rx_buffers, 0, RX_RING, "the ring itself for a buffer"),

#define HDR(NAME, FLAGS, PAYLOAD, BITS, TYPE, HDR_LEN, SIZE, START, OFFSET,  \
            BUFFERS, WHAT)                                                   \
    { NAME, bad_header, FLAGS, 0, WHAT,                                      \
      &(const struct bad_header) { { BITS, TYPE, HDR_LEN, SIZE, START,       \
                                     OFFSET, BUFFERS }, PAYLOAD } }
    /* Flags; kind, header length and size of segments; start and offset of
     * the checksum; number of buffers. */
    HDR("hdr-csum-end", 0, TCP4, 1, 0, 0, 0, 254, 16, 0,
        "checksum over nothing, at the end"),
    HDR("hdr-csum-beyond", 0, TCP4, 1, 0, 0, 0, 4000, 16, 0,
        "checksum behind the packet"),
    HDR("hdr-csum-max", 0, TCP4, 1, 0, 0, 0, 65535, 65535, 0,
        "checksum beyond 64 KB"),
    HDR("hdr-csum-last", 0, TCP4, 1, 0, 0, 0, 34, 219, 0,
        "checksum half behind the packet"),
    HDR("hdr-csum-offset-max", 0, TCP4, 1, 0, 0, 0, 34, 65535, 0,
        "checksum 64 KB from its start"),
    HDR("hdr-csum-wrap", 0, TCP4, 1, 0, 0, 0, 34, 65518, 0,
        "start and offset are small, in 16 bits"),
    HDR("hdr-csum-ethernet", 0, TCP4, 1, 0, 0, 0, 0, 0, 0,
        "checksum in the MAC address"),
    HDR("hdr-csum-ip", 0, TCP4, 1, 0, 0, 0, 14, 10, 0,
        "checksum in the IP header"),
    HDR("hdr-csum-elsewhere", 0, TCP4, 1, 0, 0, 0, 34, 6, 0,
        "UDP's checksum in TCP"),
    HDR("hdr-csum-arp", 0, ARP, 1, 0, 0, 0, 34, 16, 0,
        "checksum in ARP"),
    HDR("hdr-csum-fragment", 0, FRAGMENT, 1, 0, 0, 0, 34, 6, 0,
        "checksum in a fragment"),
    HDR("hdr-csum-tiny", 0, TINY, 1, 0, 0, 0, 34, 16, 0,
        "checksum in 10 bytes"),
    HDR("hdr-csum-vlan", 0, TCP4_VLAN, 1, 0, 0, 0, 34, 16, 0,
        "checksum in the wrong place behind VLAN tags"),
    HDR("hdr-csum-ihl", 0, BAD_IHL, 1, 0, 0, 0, 34, 16, 0,
        "IP header longer than the packet"),
    HDR("hdr-csum-length", 0, BAD_TOT_LEN, 1, 0, 0, 0, 34, 16, 0,
        "IP longer than the packet"),
    HDR("hdr-csum-length6", 0, BAD_IP6_LEN, 1, 0, 0, 0, 54, 16, 0,
        "IPv6 longer than the packet"),
    HDR("hdr-csum-options6", 0, TCP6_OPTIONS, 1, 0, 0, 0, 118, 16, 0,
        "checksum behind IPv6 options (allowed)"),
    HDR("hdr-csum-unasked", NO_CSUM, TCP4, 1, 0, 0, 0, 34, 16, 0,
        "partial checksum without that feature"),
    HDR("hdr-flags", 0, TCP4, 255, 0, 0, 0, 34, 16, 0,
        "flags that do not exist"),
    HDR("hdr-gso-0", 0, TCP4_BIG, 1, 1, 54, 0, 34, 16, 0,
        "segments of 0 bytes"),
    HDR("hdr-gso-1", 0, TCP4_BIG, 1, 1, 54, 1, 34, 16, 0,
        "segments of 1 byte"),
    HDR("hdr-gso-1-6", 0, TCP6_BIG, 1, 4, 74, 1, 54, 16, 0,
        "segments of 1 byte, IPv6"),
    HDR("hdr-gso-max", 0, TCP4_BIG, 1, 1, 54, 65535, 34, 16, 0,
        "segments of 65535 bytes"),
    HDR("hdr-gso-no-csum", 0, TCP4_BIG, 0, 1, 54, 1000, 0, 0, 0,
        "segments without a checksum"),
    HDR("hdr-gso-unknown", 0, TCP4_BIG, 1, 7, 54, 1000, 34, 16, 0,
        "unknown kind of segments"),
    HDR("hdr-gso-ufo", 0, UDP4_BIG, 1, 3, 42, 1000, 34, 6, 0,
        "UDP fragments"),
    HDR("hdr-gso-uso", 0, UDP4_BIG, 1, 5, 42, 1000, 34, 6, 0,
        "UDP segments"),
    HDR("hdr-gso-ecn", 0, TCP4_BIG, 1, 0x80, 54, 1000, 34, 16, 0,
        "ECN without segments"),
    HDR("hdr-gso-udp", 0, UDP4_BIG, 1, 1, 42, 1000, 34, 6, 0,
        "TCP segments of UDP"),
    HDR("hdr-gso-arp", 0, ARP, 1, 1, 54, 100, 34, 16, 0,
        "TCP segments of ARP"),
    HDR("hdr-gso-version", 0, TCP4_BIG, 1, 4, 54, 1000, 34, 16, 0,
        "IPv6 segments of IPv4"),
    HDR("hdr-gso-hdr-0", 0, TCP4_BIG, 1, 1, 0, 1000, 34, 16, 0,
        "header of length 0"),
    HDR("hdr-gso-hdr-max", 0, TCP4_BIG, 1, 1, 65535, 1000, 34, 16, 0,
        "header of 65535 bytes"),
    HDR("hdr-gso-tcp", 0, BAD_TCP_OFS, 1, 1, 54, 8, 34, 16, 0,
        "TCP header longer than the packet"),
    HDR("hdr-gso-ihl", 0, BAD_IHL, 1, 1, 54, 8, 34, 16, 0,
        "IP header longer than the packet"),
    HDR("hdr-gso-length", 0, BAD_TOT_LEN, 1, 1, 54, 100, 34, 16, 0,
        "IP longer than the packet"),
    HDR("hdr-gso-tiny", 0, TINY, 1, 1, 54, 100, 34, 16, 0,
        "segments of 10 bytes"),
    HDR("hdr-gso-fragment", 0, FRAGMENT, 1, 1, 42, 100, 34, 6, 0,
        "segments of a fragment"),
    HDR("hdr-gso-options6", 0, TCP6_OPTIONS, 1, 4, 138, 50, 118, 16, 0,
        "segments behind IPv6 options (allowed)"),
    HDR("hdr-gso-vlan", 0, TCP4_VLAN, 1, 1, 62, 50, 42, 16, 0,
        "segments behind VLAN tags (allowed)"),
    HDR("hdr-gso-options", 0, TCP4_OPTIONS, 1, 1, 94, 50, 74, 16, 0,
        "segments behind IP options (allowed)"),
    HDR("hdr-buffers", 0, TCP4, 0, 0, 0, 0, 0, 0, 65535,
        "number of buffers 65535"),
    CASE("hdr-random", random_headers, 0, 0, "a thousand by chance"),

    CASE("num-0", msg_num, SPLIT_ONLY, 0, "running ring of size 0"),
    CASE("num-3", msg_num, SPLIT_ONLY, 3, "running ring of size 3"),
    CASE("num-32767", msg_num, SPLIT_ONLY, 32767,
         "running ring of size 32767"),
    CASE("num-32768", msg_num, SPLIT_ONLY, 32768, "running ring grows"),
    CASE("num-65535", msg_num, SPLIT_ONLY, 65535,
         "running ring of size 65535"),
    CASE("num-rx-0", msg_num_rx, 0, 0, "the same for the other ring"),
    CASE("num-rx-32767", msg_num_rx, 0, 32767, "the same for the other ring"),
    CASE("num-rx-32768", msg_num_rx, 0, 32768, "the same for the other ring"),
    CASE("num-late", msg_num_late, NEGOTIATE_ONLY, ADDR_GOOD,
         "rings that grow once they have addresses (refused)"),
    CASE("num-first-0", msg_num_first, NEGOTIATE_ONLY, 0, "rings of size 0"),
    CASE("num-first-3", msg_num_first, NEGOTIATE_ONLY, 3, "rings of size 3"),
    CASE("num-first-65535", msg_num_first, NEGOTIATE_ONLY, 65535,
         "rings of size 65535"),

    CASE("base-first", msg_base_first, NEGOTIATE_ONLY | PACKED_ONLY, 0x7fff,
         "rings that start beyond their end (refused)"),
    CASE("base-size", msg_base_first,
         NEGOTIATE_ONLY | PACKED_ONLY | SMALL_RINGS, 8,
         "rings that start at their end (refused)"),
    CASE("base-last", msg_base_first,
         NEGOTIATE_ONLY | PACKED_ONLY | SMALL_RINGS, 7,
         "rings that start with their last descriptor (allowed)"),

    CASE("addr-0", msg_addr, 0, ADDR_ZERO, "running ring at address 0"),
    CASE("addr-outside", msg_addr, 0, ADDR_OUTSIDE, "ring not in memory"),
    CASE("addr-max", msg_addr, 0, ADDR_MAX, "ring at the end of all"),
    CASE("addr-odd", msg_addr, 0, ADDR_ODD, "ring at odd addresses"),
    CASE("addr-end", msg_addr, 0, ADDR_END, "ring that leaves the memory"),
    CASE("addr-used-end", msg_addr, 0, ADDR_USED_END,
         "used ring that leaves the memory"),
    CASE("addr-log", msg_addr, 0, ADDR_LOG, "ring with a log nowhere"),
    CASE("addr-first-0", msg_addr_first, NEGOTIATE_ONLY, ADDR_ZERO,
         "the same from the beginning"),
    CASE("addr-first-outside", msg_addr_first, NEGOTIATE_ONLY, ADDR_OUTSIDE,
         "the same from the beginning"),
    CASE("addr-first-max", msg_addr_first, NEGOTIATE_ONLY, ADDR_MAX,
         "the same from the beginning"),
    CASE("addr-first-odd", msg_addr_first, NEGOTIATE_ONLY, ADDR_ODD,
         "the same from the beginning"),
    CASE("addr-first-end", msg_addr_first, NEGOTIATE_ONLY, ADDR_END,
         "the same from the beginning"),
    CASE("addr-first-used-end", msg_addr_first, NEGOTIATE_ONLY, ADDR_USED_END,
         "the same from the beginning"),

    CASE("index-num", msg_index, 0, VFE_SET_VRING_NUM, "size of ring 65535"),
    CASE("index-base", msg_index, 0, VFE_SET_VRING_BASE,
         "index of ring 65535"),
    CASE("index-enable", msg_index, 0, VFE_SET_VRING_ENABLE,
         "ring 65535 is switched on"),
    CASE("index-get-base", msg_index, 0, VFE_GET_VRING_BASE,
         "ring 65535 is stopped"),
    CASE("restart-no-size", msg_restart, 0, 0,
         "rings are stopped, and started without a size"),
    CASE("restart-smaller", msg_restart, PACKED_ONLY, 8,
         "the same with less descriptors than were used (refused)"),
    CASE("enable-flood", msg_enable_flood, 0, 0,
         "rings are switched off and on"),
    CASE("stop-flood", msg_base_flood, 0, 0, "rings are stopped often"),

    CASE("features-unoffered", msg_features, 0, UINT64_C(1) << 50,
         "a feature never offered, later"),
    CASE("features-all", msg_features, 0, UINT64_MAX, "all features, later"),
    CASE("features-none", msg_features, 0, 0, "no features, later"),
    CASE("features-first", msg_features_first, CONNECT_ONLY, 0,
         "a feature never offered"),
    CASE("protocol-unoffered", msg_protocol, 0, UINT64_C(1) << 50,
         "a protocol feature never offered"),
    CASE("protocol-all", msg_protocol, 0, UINT64_MAX, "all of them"),

    CASE("protocol-postcopy", msg_protocol_postcopy, 0, 0,
         "all of them, and then post-copy"),
    CASE("features-iotlb", msg_features_iotlb, 0, 2,
         "all features, and then address translation"),
    CASE("features-packed-late", msg_features_packed,
         SPLIT_ONLY | NEGOTIATE_ONLY, 0,
         "packed rings, chosen after their size"),
    CASE("features-packed-reset", msg_features_packed,
         SPLIT_ONLY | NEGOTIATE_ONLY, 1,
         "the same after RESET_OWNER"),

    CASE("msg-0", msg_request, 0, 0, "message 0"),
    CASE("msg-23", msg_request, 0, 23, "message 23"),
    CASE("msg-41", msg_request, 0, 41, "message 41"),
    CASE("msg-99", msg_request, 0, 99, "message 99"),
    CASE("msg-max", msg_request, 0, UINT32_MAX, "message 4294967295"),
    CASE("msg-max-ack", msg_request_ack, 0, UINT32_MAX,
         "message 4294967295 that wants an answer"),
    CASE("msg-reset", msg_request, 0, VFE_RESET_OWNER, "RESET_OWNER"),
    CASE("msg-status", msg_request_ack, 0, VFE_SET_STATUS, "SET_STATUS"),
    CASE("msg-config", msg_request_ack, 0, VFE_SET_CONFIG, "SET_CONFIG"),
    CASE("msg-get-config", msg_request_ack, 0, VFE_GET_CONFIG, "GET_CONFIG"),
    CASE("msg-crypto", msg_request_ack, 0, 26, "a message for crypto devices"),
    CASE("part-1", msg_part, CONNECT_ONLY, 1, "one byte, then silence"),
    CASE("part-11", msg_part, CONNECT_ONLY, 11, "half a header"),
    CASE("part-header", msg_part, CONNECT_ONLY, 12, "a header only"),
    CASE("part-payload", msg_part, CONNECT_ONLY, 20, "part of a message"),
    CASE("size-0", msg_size, 0, 0, "a message without its payload"),
    CASE("size-4", msg_size, 0, 4, "a message that is too short"),
    CASE("size-300", msg_size, 0, 300, "a message that is too long"),
    CASE("size-65536", msg_size, 0, 65536, "a message of 64 KB"),
    CASE("size-max", msg_size, 0, UINT32_MAX, "a message of 4 GB"),
    CASE("flags-version", msg_flags, 0, 0, "a message of version 0"),
    CASE("flags-reply", msg_flags, 0, VFE_VERSION | VFE_REPLY,
         "an answer to no question"),
    CASE("flags-all", msg_flags, 0, UINT32_MAX & ~VFE_NEED_REPLY,
         "all flags"),
    CASE("unread", msg_unread, 0, 0, "answers that are not read"),

    CASE("fd-get-features", fd_unwanted, 0, VFE_GET_FEATURES,
         "file descriptors with GET_FEATURES"),
    CASE("fd-set-owner", fd_unwanted, 0, VFE_SET_OWNER, "with SET_OWNER"),
    CASE("fd-base", fd_unwanted, 0, VFE_SET_VRING_BASE,
         "with SET_VRING_BASE"),
    CASE("fd-unknown", fd_unwanted, 0, 99, "with message 99"),
    CASE("fd-call-many", fd_unwanted, 0, VFE_SET_VRING_CALL,
         "8 with SET_VRING_CALL"),
    CASE("fd-err-many", fd_unwanted, 0, VFE_SET_VRING_ERR,
         "8 with SET_VRING_ERR"),
    CASE("fd-log-many", fd_unwanted, 0, VFE_SET_LOG_FD, "8 with SET_LOG_FD"),
    CASE("fd-32", fd_many, 0, VFE_SET_OWNER, "32 with SET_OWNER"),
    CASE("fd-call-flood", fd_flood, 0, VFE_SET_VRING_CALL,
         "new ones with SET_VRING_CALL"),
    CASE("fd-kick-flood", fd_flood, 0, VFE_SET_VRING_KICK,
         "new ones with SET_VRING_KICK"),
    CASE("fd-err-flood", fd_flood, 0, VFE_SET_VRING_ERR,
         "new ones with SET_VRING_ERR"),
    CASE("fd-req-flood", fd_flood, 0, VFE_SET_BACKEND_REQ_FD,
         "new ones with SET_BACKEND_REQ_FD"),
    CASE("fd-kick-missing", fd_missing, 0, VFE_SET_VRING_KICK,
         "SET_VRING_KICK without one"),
    CASE("fd-call-missing", fd_missing, 0, VFE_SET_VRING_CALL,
         "SET_VRING_CALL without one"),
    CASE("fd-log-missing", fd_missing, 0, VFE_SET_LOG_BASE,
         "SET_LOG_BASE without one"),
    CASE("fd-req-missing", fd_missing, 0, VFE_SET_BACKEND_REQ_FD,
         "SET_BACKEND_REQ_FD without one"),
    CASE("fd-kick-denied", fd_denied, 0, VFE_SET_VRING_KICK,
         "SET_VRING_KICK without one, but with one"),
    CASE("fd-index", fd_index, 0, 0, "8 with a message about ring 65535"),
    CASE("fd-half", fd_half, 0, 0, "with half a message"),
    CASE("fd-call-32", fd_many, 0, VFE_SET_VRING_CALL,
         "32 with SET_VRING_CALL"),
    CASE("fd-cut-0", fd_cut, 0, 0, "with a header only"),
    CASE("fd-cut-4", fd_cut, 0, 4, "with part of a message"),
    CASE("fd-cut-max", fd_cut, 0, UINT32_MAX, "with a message of 4 GB"),
    CASE("fd-call-directory", fd_call, 0, FD_DIRECTORY,
         "a directory to be notified by"),
    CASE("fd-call-pipe", fd_call, 0, FD_PIPE_END, "a pipe without an end"),
    CASE("fd-call-full-pipe", fd_call, 0, FD_FULL_PIPE, "a full pipe"),
    CASE("fd-call-full", fd_call, 0, FD_FULL_EVENT, "a full eventfd"),
    CASE("fd-call-block-socket", fd_call, 0, FD_FULL_SOCKET | FD_BLOCK,
         "a full socket becomes blocking"),
    CASE("fd-call-block-pipe", fd_call, 0, FD_FULL_PIPE | FD_BLOCK,
         "a full pipe becomes blocking"),
    CASE("fd-call-block", fd_call, 0, FD_FULL_EVENT | FD_BLOCK,
         "a full eventfd becomes blocking"),

    CASE("mem-none", mem_table, 0, MEM_NONE, "running rings lose all memory"),
    CASE("mem-many", mem_table, 0, MEM_TOO_MANY, "9 regions"),
    CASE("mem-billions", mem_table, 0, MEM_BILLIONS, "4294967295 regions"),
    CASE("mem-no-fds", mem_table, 0, MEM_NO_FDS, "no file descriptors"),
    CASE("mem-directory", mem_table, 0, MEM_BAD_FD, "a directory for memory"),
    CASE("mem-overlap", mem_table, 0, MEM_OVERLAP, "regions overlap"),
    CASE("mem-size-wrap", mem_table, 0, MEM_SIZE_WRAP, "as large as all"),
    CASE("mem-offset-wrap", mem_table, 0, MEM_OFFSET_WRAP,
         "at the end of all in the file"),
    CASE("mem-gpa-wrap", mem_table, 0, MEM_GPA_WRAP, "guest address wraps"),
    CASE("mem-uva-wrap", mem_table, 0, MEM_UVA_WRAP, "user address wraps"),
    CASE("mem-empty", mem_table, 0, MEM_EMPTY, "region of size 0"),
    CASE("mem-other", mem_table, 0, MEM_OTHER,
         "other memory, without the rings"),
    CASE("mem-beyond-file", mem_table, 0, MEM_BEYOND_FILE,
         "rings behind the end of the file"),
    CASE("mem-fuse", mem_table, 0, MEM_FUSE,
         "a file of which it decides when pages come"),
    CASE("mem-huge", mem_table, 0, MEM_HUGE,
         "part of a huge page, of which there may be none"),
    CASE("mem-short-file", mem_short_file, NEGOTIATE_ONLY, 0,
         "packet behind the end of the file"),
    CASE("mem-truncate", mem_truncate, 0, 0, "file is truncated under rings"),
    CASE("mem-truncate-packet", mem_truncate, 0, 1,
         "file is truncated under a packet"),

    CASE("iotlb-add", unasked_iotlb, 0, 2, "address translation, unasked"),
    CASE("iotlb-remove", unasked_iotlb, 0, 3, "the same, removed"),
    CASE("inflight-short", unasked_inflight, 0, 0,
         "too small memory for packets in flight, unasked"),
    CASE("inflight-get", unasked_get_inflight, 0, 0,
         "the peer is to allocate such memory"),
    CASE("inflight-flood", unasked_inflight_flood, 0, 0,
         "many bad files for such memory"),
    CASE("postcopy", unasked_postcopy, CONNECT_ONLY, 0, "post-copy, unasked"),
    CASE("postcopy-flood", unasked_postcopy_flood, CONNECT_ONLY, 0,
         "the same, often"),
    CASE("log-small", log_offset, SPLIT_ONLY | LOGGING, PAGE,
         "log of migration at an offset, too small"),
    CASE("log-large", log_offset, SPLIT_ONLY | LOGGING, 64 << 20,
         "log of migration at an offset"),
    CASE("rarp", unasked_rarp, 0, UINT64_C(0xfe0000000002),
         "the guest has moved, a hundred times (allowed)"),
    CASE("rarp-multicast", unasked_rarp, 0, UINT64_C(0xffffffffffff),
         "the same for a multicast address"),
    CASE("mtu-0", unasked_mtu, 0, 0, "MTU 0"),
    CASE("mtu-max", unasked_mtu, 0, UINT64_MAX, "MTU 2^64 - 1"),

    CASE("conn-second", conn_second, 0, 0, "second connection"),
    CASE("conn-flood", conn_flood, 0, 1500, "1500 connections at once"),
    CASE("conn-brief", conn_brief, 0, 500, "500 connections, one by one"),
};

/* A thousand headers by chance, with packets that suit them more or less. */
static const char *
random_headers(struct ctx *ctx)
{
    static uint8_t frame[VFE_MAX_FRAME];
    uint32_t state = 1;

    for (int i = 0; i < 1000; i++) {
        size_t size = build_payload(packet_random(&state) % N_PAYLOADS,
                                    frame, sizeof frame);
        const struct hostile *what;
        struct vfe_net_hdr hdr;

        do {
            what = &hostiles[packet_random(&state) % N_ELEMS(hostiles)];
        } while (!what->bad);
        hdr = what->bad->hdr;
        for (int j = packet_random(&state) % 4; j > 0; j--) {
            ((uint8_t *) &hdr)[packet_random(&state) % sizeof hdr]
                = packet_random(&state);
        }
        for (int j = packet_random(&state) % 4; j > 0; j--) {
            size_t end = size < 80 ? size : 80;

            frame[packet_random(&state) % end] = packet_random(&state);
        }
        while (vfe_tx(ctx->vfe, ctx->tx, &hdr, frame, size) == EAGAIN) {
            int error = vfe_wait(ctx->vfe, ctx->tx, ctx->vfe->timeout_ms);

            if (error) {
                return name_error(error);
            }
        }
    }

    int error = vfe_tx_drain(ctx->vfe, ctx->tx);
    if (error) {
        return name_error(error);
    }

    const char *result = settle(ctx);
    return strcmp(result, HOSTILE_IGNORED) ? result : HOSTILE_DROPPED;
}

const struct hostile *
hostile_find(const char *name)
{
    for (size_t i = 0; i < N_ELEMS(hostiles); i++) {
        if (!strcmp(hostiles[i].name, name)) {
            return &hostiles[i];
        }
    }
    return NULL;
}

void
hostile_list(void)
{
    for (size_t i = 0; i < N_ELEMS(hostiles); i++) {
        printf("%-20s %s%s\n", hostiles[i].name, hostiles[i].description,
               hostiles[i].flags & SPLIT_ONLY ? " (split rings only)"
               : hostiles[i].flags & PACKED_ONLY ? " (packed rings only)"
               : "");
    }
}

/* Makes '*vfe', not connected yet, what 'what' wants it to be. */
void
hostile_prepare(const struct hostile *what, struct vfe *vfe)
{
    if (what->flags & BIG_MEMORY) {
        vfe->spare = UINT64_C(5) << 30;
    }
    if (what->flags & SOME_MEMORY) {
        vfe->spare = 32 << 20;
    }
    if (what->flags & SMALL_RINGS) {
        vfe->ring_size = 8;
    }
    if (what->flags & NO_CSUM) {
        vfe->feature_mask &= ~VFE_BIT(VFE_F_CSUM);
    }
    if (what->flags & NO_INDIRECT) {
        vfe->feature_mask &= ~VFE_BIT(VFE_F_INDIRECT_DESC);
    }
    if (what->flags & LOGGING) {
        vfe->protocol_mask |= VFE_BIT(VFE_P_LOG_SHMFD);
    }
}

/* Does what 'what' says over the connection of '*vfe'.  Good packets are the
 * 'size' bytes at 'frame', if that is not null. */
const char *
hostile_run(const struct hostile *what, struct vfe *vfe,
            hostile_open_func *open_another, const uint8_t *frame,
            size_t size)
{
    struct ctx ctx = { .vfe = vfe, .open = open_another, .what = what };
    uint8_t built[512];
    int error = 0;

    if (what->flags & CONNECT_ONLY) {
        return what->run(&ctx);
    }
    if (what->flags & NEGOTIATE_ONLY) {
        error = vfe_negotiate(vfe);
        if (!error) {
            error = vfe_alloc_memory(vfe);
        }
    } else {
        error = vfe_start(vfe);
    }
    if (error) {
        fprintf(stderr, "vhost-guest: %s: %s\n", vfe->step, strerror(error));
        exit(1);
    }

    ctx.tx = vfe_tx_ring(vfe, 0);
    ctx.rx = vfe_rx_ring(vfe, 0);
    if (what->flags & (ctx.tx->packed ? SPLIT_ONLY : PACKED_ONLY)) {
        fprintf(stderr, "vhost-guest: %s: not with %s rings\n",
                what->name, ctx.tx->packed ? "packed" : "split");
        exit(2);
    }

    if (!frame) {
        size = build_payload(TCP4, built, sizeof built);
        frame = built;
    }
    ctx.good_size = vfe->hdr_size + size;
    ctx.good = vfe_alloc(vfe, 0, ctx.good_size + 128 * 1024, 64);
    memcpy(ctx.good + vfe->hdr_size, frame, size);
    ctx.good_gpa = vfe_gpa(vfe, ctx.good);
    return what->run(&ctx);
}
