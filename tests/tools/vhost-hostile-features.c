/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Messages about features: those that were never offered, or come late. */

#include "vhost-hostile-act.h"

#include <errno.h>
#include <string.h>

#include "vhost-frontend.h"

/* Features 'arg'. */
static const char *
msg_features(struct ctx *ctx)
{
    uint64_t features = ctx->what->arg;

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_SET_FEATURES, &features,
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
    return error ? act_error(error) : act_settle(ctx);
}

static const char *
msg_protocol(struct ctx *ctx)
{
    uint64_t features = ctx->what->arg;

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_SET_PROTOCOL_FEATURES,
                                            &features, sizeof features, NULL,
                                            0));
}

/* All features, and if the peer says no, what they are for nevertheless. */
static const char *
msg_protocol_postcopy(struct ctx *ctx)
{
    uint64_t features = UINT64_MAX;
    const char *result = act_say_wrong(ctx, VFE_SET_PROTOCOL_FEATURES,
                                       &features, sizeof features, NULL, 0);

    if (strcmp(result, HOSTILE_REFUSED)) {
        return result;
    }
    return act_say_wrong(ctx, VFE_POSTCOPY_ADVISE, NULL, 0, NULL, 0);
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
        error = act_say(ctx, VFE_RESET_OWNER, 0, NULL, 0, NULL, 0);
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

        act_say(ctx, VFE_SET_VRING_BASE, 0,
                &(struct vfe_vring_state) { .index = i, .num = 1 << 15 }, 8,
                NULL, 0);
        act_say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        act_say(ctx, VFE_SET_VRING_CALL, 0, &i, sizeof i, &ring->call_fd, 1);
        act_say(ctx, VFE_SET_VRING_KICK, 0, &i, sizeof i, &ring->kick_fd, 1);
        error = act_say(ctx, VFE_SET_VRING_ENABLE, 0, &state, sizeof state,
                        NULL, 0);
    }
    if (error) {
        return error == EREMOTEIO ? HOSTILE_REFUSED : act_error(error);
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
    return act_settle(ctx);
}

const struct hostile hostile_features[] = {
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

    CASE("features-packed-late", msg_features_packed,
         SPLIT_ONLY | NEGOTIATE_ONLY, 0,
         "packed rings, chosen after their size"),
    CASE("features-packed-reset", msg_features_packed,
         SPLIT_ONLY | NEGOTIATE_ONLY, 1,
         "the same after RESET_OWNER"),

    HOSTILE_END
};
