/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* Messages as such: unknown ones, parts of them, wrong sizes and flags. */

#include "vhost-hostile-act.h"

#include <errno.h>

#include "vhost-frontend.h"

/* The message 'arg', with a payload of zeros, as large as any message's. */
static const char *
msg_request(struct ctx *ctx)
{
    uint8_t zeros[264] = { 0 };
    int error = act_say(ctx, ctx->what->arg, 0, zeros, sizeof zeros, NULL, 0);

    return act_use_rings(ctx, error ? act_error(error) : act_settle(ctx));
}

/* The same with NEED_REPLY. */
static const char *
msg_request_ack(struct ctx *ctx)
{
    uint8_t zeros[264] = { 0 };

    return act_use_rings(ctx, act_say_wrong(ctx, ctx->what->arg, zeros,
                                            sizeof zeros, NULL, 0));
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
        return act_error(error);
    }

    /* No answer is right here, even from a peer that is alive. */
    return (vfe_wait_closed(ctx->vfe, PART_PATIENCE_MS) ? HOSTILE_IGNORED
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
        return act_error(error);
    }
    if (!vfe_wait_closed(ctx->vfe, PATIENCE_MS)) {
        return HOSTILE_DISCONNECTED;
    }
    return act_use_rings(ctx, act_settle(ctx));
}

/* The header has the flags 'arg'. */
static const char *
msg_flags(struct ctx *ctx)
{
    struct vfe_header header = {
        .request = VFE_SET_OWNER, .flags = ctx->what->arg
    };
    int error = vfe_send_raw(ctx->vfe, &header, sizeof header, NULL, 0);

    return error ? act_error(error) : act_settle(ctx);
}

/* Questions, whose answers nobody reads. */
static const char *
msg_unread(struct ctx *ctx)
{
    int timeout_ms = ctx->vfe->timeout_ms;
    int error = 0;

    ctx->vfe->timeout_ms = PATIENCE_MS;
    for (int i = 0; i < 100000 && !error; i++) {
        error = act_say(ctx, VFE_GET_FEATURES, 0, NULL, 0, NULL, 0);
    }
    ctx->vfe->timeout_ms = timeout_ms;

    /* To stop listening to us is right. */
    return error == ECONNRESET ? HOSTILE_DISCONNECTED : HOSTILE_IGNORED;
}

const struct hostile hostile_messages[] = {
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

    CASE("part-1", msg_part, CONNECT_ONLY, 1,
         "one byte, then silence (refused)"),
    CASE("part-11", msg_part, CONNECT_ONLY, 11, "half a header (refused)"),
    CASE("part-header", msg_part, CONNECT_ONLY, 12,
         "a header only (refused)"),
    CASE("part-payload", msg_part, CONNECT_ONLY, 20,
         "part of a message (refused)"),

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

    HOSTILE_END
};
