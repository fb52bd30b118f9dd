/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* File descriptors that come with messages, or do not. */

#include "vhost-hostile-act.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vhost-frontend.h"

static int
some_fd(struct ctx *ctx)
{
    return ctx->tx->call_fd;
}

/* Messages 'arg', which take none, with 8 of them. */
static const char *
fd_unwanted(struct ctx *ctx)
{
    uint64_t zeros[4] = { 0 };
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    for (int i = 0; i < FLOOD; i++) {
        int error = act_say(ctx, ctx->what->arg, VFE_NEED_REPLY, zeros,
                            sizeof zeros, fds, N_ELEMS(fds));
        struct vfe_payload answer;
        struct vfe_header header;

        if (!error) {
            error = vfe_recv(ctx->vfe, &header, &answer);
        }
        if (error) {
            return act_error(error);
        }
    }
    return act_use_rings(ctx, act_settle(ctx));
}

/* More of them than any message takes. */
static const char *
fd_many(struct ctx *ctx)
{
    int fds[VFE_MAX_FDS];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    for (int i = 0; i < 100; i++) {
        int error = act_say(ctx, ctx->what->arg, VFE_NEED_REPLY, NULL, 0, fds,
                            N_ELEMS(fds));

        if (error) {
            return act_error(error);
        }
    }
    return act_use_rings(ctx, act_settle(ctx));
}

/* New ones all the time, in the message 'arg', about a ring that runs. */
static const char *
fd_flood(struct ctx *ctx)
{
    uint64_t index = 1;

    for (int i = 0; i < FLOOD; i++) {
        int fd = eventfd(0, EFD_NONBLOCK);
        int error = act_say(ctx, ctx->what->arg, 0, &index, sizeof index, &fd,
                            1);

        close(fd);
        if (error) {
            return act_error(error);
        }
    }
    return act_use_rings(ctx, act_settle(ctx));
}

/* None with the message 'arg'. */
static const char *
fd_missing(struct ctx *ctx)
{
    uint64_t index = 1;

    return act_use_rings(ctx, act_say_wrong(ctx, ctx->what->arg, &index,
                                            sizeof index, NULL, 0));
}

/* 8 of them with a message about a ring that there cannot be. */
static const char *
fd_index(struct ctx *ctx)
{
    struct vfe_vring_state state = { .index = 65535, .num = 1 };
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    return act_say_wrong(ctx, VFE_SET_VRING_NUM, &state, sizeof state, fds,
                         N_ELEMS(fds));
}

/* One although the message says that there is none. */
static const char *
fd_denied(struct ctx *ctx)
{
    uint64_t index = 1 | VFE_NO_FD;
    int fd = some_fd(ctx);

    return act_use_rings(ctx, act_say_wrong(ctx, ctx->what->arg, &index,
                                            sizeof index, &fd, 1));
}

/* With half a message. */
static const char *
fd_half(struct ctx *ctx)
{
    uint32_t request = VFE_GET_FEATURES;
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }

    int error = vfe_send_raw(ctx->vfe, &request, sizeof request, fds,
                             N_ELEMS(fds));
    if (error) {
        return act_error(error);
    }
    return (vfe_wait_closed(ctx->vfe, PART_PATIENCE_MS) ? HOSTILE_IGNORED
            : HOSTILE_DISCONNECTED);
}

/* With a message of which 'arg' bytes come, of 8, or that is said to have
 * 'arg', if that is more. */
static const char *
fd_cut(struct ctx *ctx)
{
    struct {
        struct vfe_header header;
        uint64_t index;
    } __attribute__((packed)) message = {
        .header = { .request = VFE_SET_VRING_CALL, .flags = VFE_VERSION,
                    .size = sizeof message.index },
    };
    size_t size = sizeof message;
    int fds[8];

    for (size_t i = 0; i < N_ELEMS(fds); i++) {
        fds[i] = some_fd(ctx);
    }
    if (ctx->what->arg > sizeof message.index) {
        message.header.size = ctx->what->arg;
    } else {
        size = sizeof message.header + ctx->what->arg;
    }

    int error = vfe_send_raw(ctx->vfe, &message, size, fds, N_ELEMS(fds));
    if (error) {
        return act_error(error);
    }
    return (vfe_wait_closed(ctx->vfe, PART_PATIENCE_MS) ? HOSTILE_IGNORED
            : HOSTILE_DISCONNECTED);
}

enum {
    FD_DIRECTORY, FD_PIPE_END, FD_FULL_PIPE, FD_FULL_SOCKET, FD_FULL_EVENT,
    FD_BLOCK = 16,              /* Is added to the last three. */
};

/* What is notified of used packets is not an eventfd, or is full, so that a
 * write would wait; also if that becomes so only when the file is in use. */
static const char *
fd_call(struct ctx *ctx)
{
    uint64_t almost = UINT64_MAX - 1;
    int fd = -1, ends[2] = { -1, -1 };
    unsigned int arg = ctx->what->arg & ~FD_BLOCK;

    switch (arg) {
    case FD_DIRECTORY:
        fd = open("/", O_RDONLY | O_DIRECTORY);
        break;
    case FD_PIPE_END:
    case FD_FULL_PIPE:
    case FD_FULL_SOCKET:
        if (arg == FD_FULL_SOCKET ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends)
            : pipe(ends)) {
            return HOSTILE_NO_ANSWER;
        }
        fd = ends[1];
        if (arg == FD_PIPE_END) {
            close(ends[0]);
        } else {
            char bytes[4096] = { 0 };

            fcntl(fd, F_SETFL, O_NONBLOCK);
            while (write(fd, bytes, sizeof bytes) > 0) {
                continue;
            }
            fcntl(fd, F_SETFL, 0);
        }
        break;
    case FD_FULL_EVENT:
        fd = eventfd(0, 0);
        if (write(fd, &almost, sizeof almost) != sizeof almost) {
            return HOSTILE_NO_ANSWER;
        }
        break;
    }

    const char *result = HOSTILE_IGNORED;
    for (uint64_t i = 0; i < 2; i++) {
        const char *next = act_say_wrong(ctx, VFE_SET_VRING_CALL, &i, sizeof i,
                                         &fd, 1);
        result = strcmp(next, HOSTILE_IGNORED) ? next : result;
    }
    if (ctx->what->arg & FD_BLOCK && fcntl(fd, F_SETFL, 0)) {
        return HOSTILE_NO_ANSWER;
    }
    return act_use_rings(ctx, result);
}

const struct hostile hostile_fds[] = {
    CASE("fd-get-features", fd_unwanted, 0, VFE_GET_FEATURES,
         "file descriptors with GET_FEATURES"),
    CASE("fd-set-owner", fd_unwanted, 0, VFE_SET_OWNER, "with SET_OWNER"),
    CASE("fd-base", fd_unwanted, 0, VFE_SET_VRING_BASE,
         "with SET_VRING_BASE"),
    CASE("fd-unknown", fd_unwanted, 0, 99, "with message 99"),
    CASE("fd-call-many", fd_unwanted, 0, VFE_SET_VRING_CALL,
         "8 with SET_VRING_CALL"),
    CASE("fd-err-many", fd_unwanted, 0, VFE_SET_VRING_ERR,
         "8 with SET_VRING_ERR"),
    CASE("fd-log-many", fd_unwanted, 0, VFE_SET_LOG_FD, "8 with SET_LOG_FD"),
    CASE("fd-32", fd_many, 0, VFE_SET_OWNER, "32 with SET_OWNER"),
    CASE("fd-call-flood", fd_flood, 0, VFE_SET_VRING_CALL,
         "new ones with SET_VRING_CALL"),
    CASE("fd-kick-flood", fd_flood, 0, VFE_SET_VRING_KICK,
         "new ones with SET_VRING_KICK"),
    CASE("fd-err-flood", fd_flood, 0, VFE_SET_VRING_ERR,
         "new ones with SET_VRING_ERR"),
    CASE("fd-req-flood", fd_flood, 0, VFE_SET_BACKEND_REQ_FD,
         "new ones with SET_BACKEND_REQ_FD"),
    CASE("fd-kick-missing", fd_missing, 0, VFE_SET_VRING_KICK,
         "SET_VRING_KICK without one"),
    CASE("fd-call-missing", fd_missing, 0, VFE_SET_VRING_CALL,
         "SET_VRING_CALL without one"),
    CASE("fd-log-missing", fd_missing, 0, VFE_SET_LOG_BASE,
         "SET_LOG_BASE without one"),
    CASE("fd-req-missing", fd_missing, 0, VFE_SET_BACKEND_REQ_FD,
         "SET_BACKEND_REQ_FD without one"),
    CASE("fd-kick-denied", fd_denied, 0, VFE_SET_VRING_KICK,
         "SET_VRING_KICK without one, but with one"),
    CASE("fd-index", fd_index, 0, 0, "8 with a message about ring 65535"),
    CASE("fd-half", fd_half, 0, 0, "with half a message (refused)"),
    CASE("fd-call-32", fd_many, 0, VFE_SET_VRING_CALL,
         "32 with SET_VRING_CALL"),
    CASE("fd-cut-0", fd_cut, 0, 0, "with a header only (refused)"),
    CASE("fd-cut-4", fd_cut, 0, 4, "with part of a message (refused)"),
    CASE("fd-cut-max", fd_cut, 0, UINT32_MAX,
         "with a message of 4 GB (refused)"),
    CASE("fd-call-directory", fd_call, 0, FD_DIRECTORY,
         "a directory to be notified by"),
    CASE("fd-call-pipe", fd_call, 0, FD_PIPE_END, "a pipe without an end"),
    CASE("fd-call-full-pipe", fd_call, 0, FD_FULL_PIPE, "a full pipe"),
    CASE("fd-call-full", fd_call, 0, FD_FULL_EVENT, "a full eventfd"),
    CASE("fd-call-block-socket", fd_call, 0, FD_FULL_SOCKET | FD_BLOCK,
         "a full socket becomes blocking"),
    CASE("fd-call-block-pipe", fd_call, 0, FD_FULL_PIPE | FD_BLOCK,
         "a full pipe becomes blocking"),
    CASE("fd-call-block", fd_call, 0, FD_FULL_EVENT | FD_BLOCK,
         "a full eventfd becomes blocking"),

    HOSTILE_END
};
