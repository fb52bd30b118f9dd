/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* What was never agreed on, or what a network device does not have: address
 * translation, packets in flight, post-copy, logging. */

#include "vhost-hostile-act.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhost-frontend.h"

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

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_IOTLB_MSG, &iotlb,
                                            sizeof iotlb, NULL, 0));
}

/* All features, and then what one of them is for. */
static const char *
msg_features_iotlb(struct ctx *ctx)
{
    uint64_t features = UINT64_MAX;
    const char *result = act_say_wrong(ctx, VFE_SET_FEATURES, &features,
                                       sizeof features, NULL, 0);

    return strcmp(result, HOSTILE_REFUSED) ? result : unasked_iotlb(ctx);
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

    const char *result = act_say_wrong(ctx, VFE_SET_INFLIGHT_FD, &inflight,
                                       sizeof inflight, &fd, 1);
    close(fd);
    return act_use_rings(ctx, result);
}

/* The peer is to make such a buffer.  Whoever does can be made to use up all
 * memory. */
static const char *
unasked_get_inflight(struct ctx *ctx)
{
    struct inflight inflight = { .n_queues = 64, .queue_size = 4096 };

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_GET_INFLIGHT_FD,
                                            &inflight, sizeof inflight, NULL,
                                            0));
}

/* Bad files for packets in flight; each may be kept by the peer. */
static const char *
unasked_inflight_flood(struct ctx *ctx)
{
    struct inflight inflight = {
        .mmap_size = UINT64_MAX, .n_queues = 1, .queue_size = 16,
    };

    for (int i = 0; i < FLOOD; i++) {
        int fd = ctx->tx->call_fd;
        int error = act_say(ctx, VFE_SET_INFLIGHT_FD, VFE_NEED_REPLY,
                            &inflight, sizeof inflight, &fd, 1);
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return act_error(error);
        }
    }
    return act_settle(ctx);
}

/* Migration by post-copy: page faults of the peer would be ours to solve. */
static const char *
unasked_postcopy(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    int error = vfe_get_u64(vfe, VFE_GET_FEATURES, &vfe->features_offered);

    if (error) {
        return act_error(error);
    }
    return act_say_wrong(ctx, VFE_POSTCOPY_ADVISE, NULL, 0, NULL, 0);
}

static const char *
unasked_postcopy_flood(struct ctx *ctx)
{
    for (int i = 0; i < FLOOD; i++) {
        int error = act_say(ctx, VFE_POSTCOPY_ADVISE, VFE_NEED_REPLY, NULL, 0,
                            NULL, 0);
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return act_error(error);
        }
    }
    return act_settle(ctx);
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

    const char *result = act_say_wrong(ctx, VFE_SET_LOG_BASE, &log, sizeof log,
                                       &fd, 1);
    close(fd);
    if (!strcmp(result, HOSTILE_IGNORED)) {
        uint64_t features = vfe->features | VFE_BIT(VFE_F_LOG_ALL);

        result = act_say_wrong(ctx, VFE_SET_FEATURES, &features,
                               sizeof features, NULL, 0);
        for (uint32_t i = 0; i < 2; i++) {
            struct vfe_ring *ring = &vfe->rings[i];
            struct vfe_vring_addr addr = {
                .index = i, .flags = 1, .log = vfe->regions[0].gpa,
                .desc = vfe_uva(vfe, ring->desc),
                .avail = vfe_uva(vfe, ring->avail),
                .used = vfe_uva(vfe, ring->used),
            };

            act_say(ctx, VFE_SET_VRING_ADDR, 0, &addr, sizeof addr, NULL, 0);
        }
    }
    result = act_use_rings(ctx, result);
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
        result = act_say_wrong(ctx, VFE_SEND_RARP, &mac, sizeof mac, NULL, 0);
    }
    return act_use_rings(ctx, result);
}

static const char *
unasked_mtu(struct ctx *ctx)
{
    uint64_t mtu = ctx->what->arg;

    return act_use_rings(ctx, act_say_wrong(ctx, VFE_NET_SET_MTU, &mtu,
                                            sizeof mtu, NULL, 0));
}

const struct hostile hostile_unasked[] = {
    CASE("features-iotlb", msg_features_iotlb, 0, 2,
         "all features, and then address translation"),

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

    HOSTILE_END
};
