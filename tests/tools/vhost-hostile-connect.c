/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Connections besides the first one. */

#include "vhost-hostile-act.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vhost-frontend.h"

/* A second one to the same socket, with rings of its own. */
static const char *
conn_second(struct ctx *ctx)
{
    struct vfe second;
    int error = ctx->open(&second, true);
    const char *result = error ? act_error(error) : HOSTILE_IGNORED;

    if (!error) {
        vfe_wait_closed(&second, PATIENCE_MS);
    }
    vfe_destroy(&second);

    const char *first = act_settle(ctx);
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

    const char *result = act_settle(ctx);
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
            return act_error(error);
        }
    }
    return act_settle(ctx);
}

const struct hostile hostile_connections[] = {
    CASE("conn-second", conn_second, 0, 0, "second connection"),
    CASE("conn-flood", conn_flood, 0, 1500, "1500 connections at once"),
    CASE("conn-brief", conn_brief, 0, 500, "500 connections, one by one"),

    HOSTILE_END
};
