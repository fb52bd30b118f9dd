/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* The memory that the guest shares: regions that cannot be, and files that
 * become shorter. */

#include "vhost-hostile-act.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuse-file.h"
#include "vhost-frontend.h"

/* Bytes. */
#define HUGE_PAGE (2 << 20)

enum {
    MEM_NONE, MEM_TOO_MANY, MEM_BILLIONS, MEM_NO_FDS, MEM_BAD_FD, MEM_OVERLAP,
    MEM_SIZE_WRAP, MEM_OFFSET_WRAP, MEM_GPA_WRAP, MEM_UVA_WRAP, MEM_EMPTY,
    MEM_OTHER, MEM_BEYOND_FILE, MEM_FUSE, MEM_HUGE,
};

/* Replaces the memory of running rings by something else. */
static const char *
mem_table(struct ctx *ctx)
{
    struct vfe_region *region = &ctx->vfe->regions[0];
    struct vfe_mem_table table = {
        .n = 1,
        .regions[0] = { .gpa = region->gpa, .size = region->size,
                        .uva = region->uva },
    };
    int fds[VFE_MAX_REGIONS] = { region->fd, region->fd, region->fd,
                                 region->fd, region->fd, region->fd,
                                 region->fd, region->fd };
    size_t n_fds = 1;
    size_t n_regions = 2;
    int fd = -1;

    switch (ctx->what->arg) {
    case MEM_NONE:
        table.n = 0;
        n_fds = 0;
        break;
    case MEM_TOO_MANY:
        table.n = 9;
        n_fds = 8;
        n_regions = 8;
        break;
    case MEM_BILLIONS:
        table.n = UINT32_MAX;
        break;
    case MEM_NO_FDS:
        n_fds = 0;
        table.regions[0].size -= PAGE;
        break;
    case MEM_BAD_FD:
        fd = open("/", O_RDONLY | O_DIRECTORY);
        fds[0] = fd;
        table.regions[0].size -= PAGE;
        break;
    case MEM_OVERLAP:
        table.n = 2;
        n_fds = 2;
        table.regions[1] = table.regions[0];
        table.regions[1].gpa += PAGE;
        table.regions[1].uva += PAGE;
        break;
    case MEM_SIZE_WRAP:
        table.regions[0].size = UINT64_MAX - PAGE + 1;
        break;
    case MEM_OFFSET_WRAP:
        table.regions[0].offset = UINT64_MAX - PAGE + 1;
        break;
    case MEM_GPA_WRAP:
        table.regions[0].gpa = UINT64_MAX - PAGE + 1;
        break;
    case MEM_UVA_WRAP:
        table.regions[0].uva = UINT64_MAX - PAGE + 1;
        break;
    case MEM_EMPTY:
        table.regions[0].size = 0;
        break;
    case MEM_OTHER:
        fd = memfd_create("other", MFD_CLOEXEC);
        if (ftruncate(fd, PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    case MEM_BEYOND_FILE:
        fd = memfd_create("other", MFD_CLOEXEC);
        fds[0] = fd;
        table.regions[0].size -= PAGE;
        break;
    case MEM_FUSE:
        fd = fuse_file_open();
        if (fd < 0) {
            fprintf(stderr, "vhost-guest: %s: not without FUSE (%s)\n",
                    ctx->what->name, strerror(-fd));
            exit(2);
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    case MEM_HUGE:
        fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
        if (fd < 0 || ftruncate(fd, HUGE_PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        fds[0] = fd;
        table.regions[0].size = PAGE;
        break;
    }

    const char *result = act_say_wrong(ctx, VFE_SET_MEM_TABLE, &table,
                                       8 + n_regions * sizeof table.regions[0],
                                       fds, n_fds);
    if (fd >= 0) {
        close(fd);
    }
    return act_use_rings(ctx, result);
}

/* The memory is taken away while the peer uses it: all of it, or with 'arg'
 * only the packets. */
static const char *
mem_truncate(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_region *region = &vfe->regions[0];
    struct vfe_desc desc = {
        .addr = region->gpa + region->size - PAGE, .len = 1000,
    };

    if (ctx->what->arg) {
        if (ftruncate(region->fd, region->size - PAGE)) {
            return HOSTILE_NO_ANSWER;
        }
        return act_post(ctx, &desc, 1);
    }

    vfe_post_raw(vfe, ctx->tx, &desc, 1);
    if (ftruncate(region->fd, 0)) {
        return HOSTILE_NO_ANSWER;
    }
    for (int i = 0; i < PATIENCE_MS / 10; i++) {
        uint64_t one = 1;

        if (write(ctx->tx->kick_fd, &one, sizeof one) < 0
            || !vfe_wait_closed(vfe, 10)) {
            return HOSTILE_DISCONNECTED;
        }
    }
    return act_settle(ctx);
}

/* A region that is larger than its file, from the beginning, with a packet
 * that is not there. */
static const char *
mem_short_file(struct ctx *ctx)
{
    struct vfe *vfe = ctx->vfe;
    struct vfe_region *region = &vfe->regions[0];

    region->size += 16 * PAGE;

    int error = vfe_set_mem_table(vfe);
    for (int i = 0; i < 2 && !error; i++) {
        error = vfe_set_ring(vfe, &vfe->rings[i]);
        if (!error) {
            error = vfe_enable_ring(vfe, &vfe->rings[i], true);
        }
    }
    region->size -= 16 * PAGE;
    if (error) {
        return error == EREMOTEIO ? HOSTILE_REFUSED : act_error(error);
    }

    struct vfe_desc desc = {
        .addr = region->gpa + region->size + PAGE, .len = 1000,
    };
    return act_post(ctx, &desc, 1);
}

const struct hostile hostile_memories[] = {
    CASE("mem-none", mem_table, 0, MEM_NONE, "running rings lose all memory"),
    CASE("mem-many", mem_table, 0, MEM_TOO_MANY, "9 regions"),
    CASE("mem-billions", mem_table, 0, MEM_BILLIONS, "4294967295 regions"),
    CASE("mem-no-fds", mem_table, 0, MEM_NO_FDS, "no file descriptors"),
    CASE("mem-directory", mem_table, 0, MEM_BAD_FD, "a directory for memory"),
    CASE("mem-overlap", mem_table, 0, MEM_OVERLAP, "regions overlap"),
    CASE("mem-size-wrap", mem_table, 0, MEM_SIZE_WRAP, "as large as all"),
    CASE("mem-offset-wrap", mem_table, 0, MEM_OFFSET_WRAP,
         "at the end of all in the file"),
    CASE("mem-gpa-wrap", mem_table, 0, MEM_GPA_WRAP, "guest address wraps"),
    CASE("mem-uva-wrap", mem_table, 0, MEM_UVA_WRAP, "user address wraps"),
    CASE("mem-empty", mem_table, 0, MEM_EMPTY, "region of size 0"),
    CASE("mem-other", mem_table, 0, MEM_OTHER,
         "other memory, without the rings"),
    CASE("mem-beyond-file", mem_table, 0, MEM_BEYOND_FILE,
         "rings behind the end of the file"),
    CASE("mem-fuse", mem_table, 0, MEM_FUSE,
         "a file of which it decides when pages come"),
    CASE("mem-huge", mem_table, 0, MEM_HUGE,
         "part of a huge page, of which there may be none"),
    CASE("mem-short-file", mem_short_file, NEGOTIATE_ONLY, 0,
         "packet behind the end of the file"),
    CASE("mem-truncate", mem_truncate, 0, 0, "file is truncated under rings"),
    CASE("mem-truncate-packet", mem_truncate, 0, 1,
         "file is truncated under a packet"),

    HOSTILE_END
};
