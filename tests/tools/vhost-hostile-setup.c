/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Messages about rings: their size, start, addresses and life. */

#include "vhost-hostile-act.h"

#include <errno.h>
#include <string.h>

#include "vhost-frontend.h"

/* The ring has 'arg' descriptors, suddenly. */
static const char *
msg_num(struct ctx *ctx)
{
    const char *result = act_say_state(ctx, VFE_SET_VRING_NUM, 1,
                                       ctx->what->arg);

    ctx->tx->avail->idx += 40;
    return act_use_rings(ctx, result);
}

/* The ring that packets are received by has 'arg' descriptors, suddenly. */
static const char *
msg_num_rx(struct ctx *ctx)
{
    return act_use_rings(ctx, act_say_state(ctx, VFE_SET_VRING_NUM, 0,
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
    return (error ? act_error(error)
            : refused ? HOSTILE_REFUSED
            : act_settle(ctx));
}

/* Rings with 'arg' descriptors from the beginning. */
static const char *
msg_num_first(struct ctx *ctx)
{
    struct vfe_ring *rings = ctx->vfe->rings;

    rings[0].size = rings[1].size = ctx->what->arg;
    const char *result = set_rings(ctx);
    rings[0].size = rings[1].size = ctx->vfe->ring_size;
    return act_use_rings(ctx, result);
}

/* Rings that start with descriptor 'arg'. */
static const char *
msg_base_first(struct ctx *ctx)
{
    struct vfe_ring *rings = ctx->vfe->rings;

    rings[0].used_idx = rings[1].used_idx = ctx->what->arg;
    const char *result = set_rings(ctx);
    rings[0].used_idx = rings[1].used_idx = 0;
    return act_use_rings(ctx, result);
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

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_SET_VRING_ADDR, &addr,
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
        return act_error(error);
    }
    act_say(ctx, VFE_SET_VRING_ADDR, VFE_NEED_REPLY, &addr, sizeof addr, NULL,
            0);
    act_say(ctx, VFE_SET_VRING_CALL, VFE_NEED_REPLY, &index, sizeof index,
            &ctx->tx->call_fd, 1);
    act_say(ctx, VFE_SET_VRING_KICK, VFE_NEED_REPLY, &index, sizeof index,
            &ctx->tx->kick_fd, 1);
    for (uint32_t i = 0; i < 2; i++) {
        struct vfe_vring_state state = { .index = i, .num = 1 };

        act_say(ctx, VFE_SET_VRING_ENABLE, VFE_NEED_REPLY, &state,
                sizeof state, NULL, 0);
    }
    return act_use_rings(ctx, act_settle(ctx));
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
        return act_error(error);
    }
    act_say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
    const char *result = act_say_state(ctx, VFE_SET_VRING_NUM, 1, 32768);
    act_say(ctx, VFE_SET_VRING_CALL, 0, &index, sizeof index,
            &ctx->tx->call_fd, 1);
    act_say(ctx, VFE_SET_VRING_KICK, 0, &index, sizeof index,
            &ctx->tx->kick_fd, 1);
    return act_use_rings(ctx, result);
}

/* A message 'arg' about ring 65535, and about ring 255. */
static const char *
msg_index(struct ctx *ctx)
{
    const char *result = act_say_state(ctx, ctx->what->arg, 65535, 1);

    if (strcmp(result, HOSTILE_DISCONNECTED)
        && strcmp(result, HOSTILE_NO_ANSWER)) {
        result = act_say_state(ctx, ctx->what->arg, 255, 1);
    }
    return act_use_rings(ctx, result);
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
    const char *result = act_use_rings(ctx, HOSTILE_IGNORED);

    if (strcmp(result, HOSTILE_IGNORED)) {
        return result;
    }
    int error = vfe_stop(vfe);
    if (error) {
        return act_error(error);
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

            act_say(ctx, VFE_SET_VRING_NUM, 0, &num, sizeof num, NULL, 0);
        }
        act_say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        act_say(ctx, VFE_SET_VRING_CALL, 0, &i, sizeof i, &ctx->tx->call_fd,
                1);
        act_say(ctx, VFE_SET_VRING_KICK, 0, &i, sizeof i, &ctx->tx->kick_fd,
                1);
        act_say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state, NULL, 0);
        ctx->tx = tx;
    }
    ctx->what = what;
    return act_use_rings(ctx, act_settle(ctx));
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

        int error = act_say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state,
                            NULL, 0);
        if (error) {
            return act_error(error);
        }
    }
    return act_settle(ctx);
}

/* Rings are stopped again and again. */
static const char *
msg_base_flood(struct ctx *ctx)
{
    const char *result = HOSTILE_IGNORED;

    for (int i = 0; i < 100 && !strcmp(result, HOSTILE_IGNORED); i++) {
        int error = vfe_stop(ctx->vfe);

        if (error) {
            return act_error(error);
        }
        result = act_settle(ctx);
    }
    return result;
}

const struct hostile hostile_setups[] = {
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

    HOSTILE_END
};
