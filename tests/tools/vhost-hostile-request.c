/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* The peer's own requests, which a guest with an IOMMU gets. */

#include <config.h>
#undef NDEBUG

#include "vhost-hostile-act.h"

#include <assert.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost-frontend.h"

/* A request, see "Back-end message types" in the vhost-user specification. */
struct iotlb_request {
    struct vfe_header header;
    uint64_t iova, size, uaddr;
    uint8_t perm, type;
    uint8_t padding[6];
} __attribute__((packed));

#define IOTLB_MSG 1
#define IOTLB_MISS 1

/* Starts a guest whose addresses are to be translated, but are not: the peer
 * must ask, through 'fd'.  Returns 0 or a positive errno value. */
static int
start_with_iommu(struct vfe *vfe, int fd)
{
    vfe->feature_mask |= VFE_BIT(VFE_F_IOMMU_PLATFORM);
    vfe->protocol_mask |= VFE_BIT(VFE_P_BACKEND_REQ);

    int error = vfe_negotiate(vfe);
    if (!error) {
        error = vfe_alloc_memory(vfe);
    }
    if (!error) {
        error = vfe_set_mem_table(vfe);
    }
    if (!error) {
        error = vfe_send(vfe, VFE_SET_BACKEND_REQ_FD, 0, NULL, 0, &fd, 1);
    }
    for (int i = 0; i < 2 && !error; i++) {
        error = vfe_set_ring(vfe, &vfe->rings[i]);
        if (!error) {
            error = vfe_enable_ring(vfe, &vfe->rings[i], true);
        }
    }
    return error;
}

/* The peer asks. */
static const char *
request_miss(struct ctx *ctx)
{
    struct iotlb_request request;
    struct pollfd pfd = { .events = POLLIN };
    int pair[2];

    assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    int error = start_with_iommu(ctx->vfe, pair[1]);
    if (error) {
        return act_error(error);
    }
    pfd.fd = pair[0];
    if (poll(&pfd, 1, ctx->vfe->timeout_ms) <= 0
        || read(pair[0], &request, sizeof request) != sizeof request
        || request.header.request != IOTLB_MSG
        || request.header.size != sizeof request - sizeof request.header
        || request.type != IOTLB_MISS) {
        return HOSTILE_NO_ANSWER;
    }
    return act_settle(ctx);
}

/* The peer asks, but there is no room for what it says. */
static const char *
request_full(struct ctx *ctx)
{
    uint8_t bytes[1024] = { 0 };
    int pair[2];

    assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    while (send(pair[1], bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
        continue;
    }
    while (send(pair[1], bytes, 1, MSG_DONTWAIT) > 0) {
        continue;
    }
    int error = start_with_iommu(ctx->vfe, pair[1]);
    if (error) {
        return act_error(error);
    }
    return (vfe_wait_closed(ctx->vfe, ctx->vfe->timeout_ms)
            ? HOSTILE_IGNORED : HOSTILE_DISCONNECTED);
}

const struct hostile hostile_requests[] = {
    CASE("request-miss", request_miss, CONNECT_ONLY, 0,
         "with an IOMMU: translations are asked for (allowed)"),
    CASE("request-full", request_full, CONNECT_ONLY, 0,
         "with an IOMMU: the peer's requests are not read (refused)"),

    HOSTILE_END
};
