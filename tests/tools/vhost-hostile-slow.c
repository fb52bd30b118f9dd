/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Guests that take their time, and guests that come all at once. */

#include "vhost-hostile-act.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-frontend.h"

/* A message, 'arg' ms for each of its bytes. */
static const char *
slow_message(struct ctx *ctx)
{
    struct {
        struct vfe_header header;
        struct vfe_vring_addr addr;
    } __attribute__((packed)) message = {
        .header = { .request = VFE_SET_VRING_ADDR, .flags = VFE_VERSION,
                    .size = sizeof message.addr },
    };
    const uint8_t *bytes = (const uint8_t *) &message;

    for (size_t i = 0; i < sizeof message; i++) {
        int error = vfe_send_raw(ctx->vfe, &bytes[i], 1, NULL, 0);

        if (error || !vfe_wait_closed(ctx->vfe, ctx->what->arg)) {
            return HOSTILE_DISCONNECTED;
        }
    }
    return act_settle(ctx);
}

/* 'arg' others at once, which all have begun with a message.  They must be
 * turned away, and the first be served. */
static const char *
slow_crowd(struct ctx *ctx)
{
    unsigned int n = ctx->what->arg;
    struct vfe *others = calloc(n, sizeof *others);
    const char *result = HOSTILE_IGNORED;
    uint8_t byte = VFE_GET_FEATURES;

    assert(others);
    for (unsigned int i = 0; i < n; i++) {
        if (!ctx->open(&others[i], false)) {
            vfe_send_raw(&others[i], &byte, 1, NULL, 0);
        }
    }
    for (unsigned int i = 0; i < n; i++) {
        if (others[i].fd >= 0
            && vfe_wait_closed(&others[i], PART_PATIENCE_MS)) {
            result = HOSTILE_NO_ANSWER;
        }
        vfe_destroy(&others[i]);
    }
    free(others);

    const char *first = act_settle(ctx);
    return strcmp(first, HOSTILE_IGNORED) ? first : result;
}

const struct hostile hostile_slow[] = {
    CASE("part-slow", slow_message, 0, 1000,
         "one byte of a message each second (refused)"),
    CASE("part-slower", slow_message, CONNECT_ONLY, 2500,
         "the same as the first message, and slower (refused)"),
    CASE("conn-crowd", slow_crowd, 0, 100,
         "100 others with part of a message"),

    HOSTILE_END
};
