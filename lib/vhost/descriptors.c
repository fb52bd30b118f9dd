/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "vhost/descriptors.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util.h"
#include "vhost/messages.h"

/* True if the kernel itself has the pages of the file 'fd': those of a FUSE
 * file come from another process, which may let us wait for each, and even for
 * fstat(2).  Only tmpfs, and so memfd, and hugetlbfs know seals; see fcntl(2).
 * Other such files are on a disk or are devices. */
static bool
is_kernels_own(int fd)
{
    struct statx s;

    return (fcntl(fd, F_GET_SEALS) >= 0
            || (!statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                       STATX_TYPE, &s)
                && (s.stx_dev_major || S_ISCHR(s.stx_mode))));
}

/* True if the file 'fd' has all of the 'size' bytes from 'offset' on, and they
 * can be mapped: to find that out half way would leave librte_vhost with rings
 * in memory that it has unmapped. */
static bool
can_map(int fd, uint64_t offset, uint64_t size)
{
    struct stat s;

    if (!size || offset + size < size || !is_kernels_own(fd) || fstat(fd, &s)
        || (S_ISREG(s.st_mode) && offset + size > s.st_size)
        || s.st_blksize <= 0) {
        return false;
    }

    /* As librte_vhost maps it: from the start of the file, in whole pages,
     * which may be huge and then must be there. */
    uint64_t len = ROUND_UP(offset + size, s.st_blksize);
    if (len < offset + size) {
        return false;
    }
    void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p != MAP_FAILED && !munmap(p, len);
}

/* Keeps the threads that move packets from waiting for the guest. */
static void
make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK)) {
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    }
}

/* Does with the 'n' descriptors 'fds', which came with one message, what
 * 'todo' asks for.  Returns null or what is wrong, a constant string. */
const char *
vhost_descriptors_check(const int fds[], size_t n,
                        const struct vhost_todo *todo)
{
    for (size_t i = 0; i < n; i++) {
        if (i >= todo->n_maps) {
            make_nonblocking(fds[i]);
        } else if (!can_map(fds[i], todo->maps[i].offset,
                            todo->maps[i].size)) {
            return todo->unmapped;
        }
    }
    return NULL;
}
