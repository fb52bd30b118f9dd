/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* The rings themselves, and the buffers that a guest receives into. */

#include "vhost-hostile-act.h"

#include <string.h>

#include "packet.h"
#include "vhost-frontend.h"

/* The available index moves by 'arg'. */
static const char *
ring_jump(struct ctx *ctx)
{
    struct vfe_ring *tx = ctx->tx;

    tx->avail_idx += ctx->what->arg;
    __atomic_store_n(&tx->avail->idx, tx->avail_idx, __ATOMIC_RELEASE);
    return act_judge_ring(ctx, tx);
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
    return act_judge_ring(ctx, tx);
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
    return act_judge_ring(ctx, tx);
}

/* The index of the used ring, which belongs to the peer, is overwritten. */
static const char *
ring_used(struct ctx *ctx)
{
    ctx->tx->used->idx += 0x1234;
    ctx->rx->used->idx += 0x1234;
    return act_use_rings(ctx, act_settle(ctx));
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
    return act_settle(ctx);
}

const struct hostile hostile_rings[] = {
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

    HOSTILE_END
};
