/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* What hostile acts share: what a guest says and posts, and how it finds out
 * what became of that. */

#include "vhost-hostile-act.h"

#include <errno.h>
#include <string.h>

#include "vhost-frontend.h"

/* What an errno value of vhost-frontend.h says of the peer. */
const char *
act_error(int error)
{
    return (!error ? HOSTILE_IGNORED
            : error == ETIMEDOUT ? HOSTILE_NO_ANSWER
            : HOSTILE_DISCONNECTED);
}

/* Waits until the peer has dealt with all messages.  Answers to those that we
 * have not waited for come before: one that is not 0 is a refusal. */
const char *
act_settle(struct ctx *ctx)
{
    struct vfe_payload answer;
    struct vfe_header header;
    bool refused = false;

    int error = vfe_send(ctx->vfe, VFE_GET_FEATURES, 0, NULL, 0, NULL, 0);
    if (error) {
        return act_error(error);
    }
    for (;;) {
        error = vfe_recv(ctx->vfe, &header, &answer);
        if (error) {
            return act_error(error);
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
const char *
act_judge_ring(struct ctx *ctx, struct vfe_ring *ring)
{
    vfe_kick(ring, true);
    for (int i = 0; i < PATIENCE_MS / 10 && !vfe_rx_pending(ring); i++) {
        if (!vfe_wait_closed(ctx->vfe, 10)) {
            return HOSTILE_DISCONNECTED;
        }
    }

    bool taken = vfe_rx_pending(ring);
    const char *result = act_settle(ctx);
    return (strcmp(result, HOSTILE_IGNORED) || !taken ? result
            : HOSTILE_DROPPED);
}

/* Posts a chain to the ring from the guest. */
const char *
act_post(struct ctx *ctx, const struct vfe_desc *descs, unsigned int n)
{
    vfe_post_raw(ctx->vfe, ctx->tx, descs, n);
    return act_judge_ring(ctx, ctx->tx);
}

/* Sends a message and does not wait. */
int
act_say(struct ctx *ctx, uint32_t request, uint32_t flags, const void *payload,
        size_t size, const int *fds, size_t n_fds)
{
    return vfe_send(ctx->vfe, request, flags, payload, size, fds, n_fds);
}

/* The same for a message that is to fail.  With NEED_REPLY, the peer may think
 * that the connection must live on. */
const char *
act_say_wrong(struct ctx *ctx, uint32_t request, const void *payload,
              size_t size, const int *fds, size_t n_fds)
{
    int error = act_say(ctx, request, VFE_NEED_REPLY, payload, size, fds,
                        n_fds);

    return error ? act_error(error) : act_settle(ctx);
}

const char *
act_say_state(struct ctx *ctx, uint32_t request, uint32_t index, uint32_t num)
{
    struct vfe_vring_state state = { .index = index, .num = num };

    return act_say_wrong(ctx, request, &state, sizeof state, NULL, 0);
}

/* Sends good packets for a while, so that the peer uses the rings, in whatever
 * state they are.  Returns 'result', or what became worse by it. */
const char *
act_use_rings(struct ctx *ctx, const char *result)
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

    const char *later = act_settle(ctx);
    return strcmp(later, HOSTILE_IGNORED) ? later : result;
}
