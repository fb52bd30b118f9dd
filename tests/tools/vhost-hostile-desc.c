/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Descriptors of a packet from the guest: chains without an end, addresses
 * and lengths out of the memory, tables. */

#include "vhost-hostile-act.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-frontend.h"

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
    return act_post(ctx, descs, n);
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
    result = act_post(ctx, descs, n);
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

    return act_post(ctx, &desc, 1);
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
        return act_post(ctx, &desc, 1);
    }
    tx->avail->ring[tx->avail_idx++ % tx->size] = ctx->what->arg;
    __atomic_store_n(&tx->avail->idx, tx->avail_idx, __ATOMIC_RELEASE);
    return act_judge_ring(ctx, tx);
}

/* A packet at the guest physical address 'arg'. */
static const char *
desc_addr(struct ctx *ctx)
{
    struct vfe_desc desc = { .addr = ctx->what->arg, .len = 128 };

    return act_post(ctx, &desc, 1);
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

    return act_post(ctx, descs, 2);
}

/* A packet that begins 'arg' bytes before the end of the memory. */
static const char *
desc_addr_end(struct ctx *ctx)
{
    struct vfe_region *region = &ctx->vfe->regions[ctx->vfe->n_regions - 1];
    struct vfe_desc desc = {
        .addr = region->gpa + region->size - ctx->what->arg, .len = 2000,
    };

    return act_post(ctx, &desc, 1);
}

/* One descriptor with 'arg' bytes. */
static const char *
desc_len(struct ctx *ctx)
{
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->what->arg,
    };

    return act_post(ctx, &desc, 1);
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
    return act_post(ctx, descs, N_ELEMS(descs));
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
    return act_post(ctx, descs, N_ELEMS(descs));
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
            result = act_judge_ring(ctx, tx);
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
    return act_post(ctx, descs, n);
}

/* A packet whose descriptor has the flags 'arg'. */
static const char *
desc_flags(struct ctx *ctx)
{
    struct vfe_desc desc = {
        .addr = ctx->good_gpa, .len = ctx->good_size, .flags = ctx->what->arg,
    };

    return act_post(ctx, &desc, 1);
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
    return act_post(ctx, &desc, 1);
}

const struct hostile hostile_descs[] = {
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

    HOSTILE_END
};
