/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Serves a FUSE file system with a file whose pages never come. */

#include "fuse-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel writes at least so much at a time; see fuse(4). */
#define BUFFER_SIZE (FUSE_MIN_READ_BUFFER + 4096)

static void
answer(int fuse, uint64_t unique, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {
        .len = sizeof header + size, .error = -error, .unique = unique
    };
    struct iovec iov[2] = {
        { .iov_base = &header, .iov_len = sizeof header },
        { .iov_base = (void *) data, .iov_len = size },
    };

    if (writev(fuse, iov, 2) < 0) {
        perror("FUSE");
    }
}

/* Serves '*fuse_', a descriptor of /dev/fuse. */
static void *
serve(void *fuse_)
{
    static uint64_t buffer[BUFFER_SIZE / sizeof(uint64_t)];
    const struct fuse_in_header *request = (const void *) buffer;
    const struct fuse_init_in *init = (const void *) (request + 1);
    int fuse = *(int *) fuse_;
    bool is_open = false;

    while (read(fuse, buffer, sizeof buffer) > 0) {
        switch (request->opcode) {
        case FUSE_INIT: {
            struct fuse_init_out out = {
                .major = FUSE_KERNEL_VERSION,
                .minor = FUSE_KERNEL_MINOR_VERSION,
                .max_readahead = init->max_readahead,
                .max_write = 4096,
            };

            answer(fuse, request->unique, 0, &out, sizeof out);
            break;
        }
        case FUSE_GETATTR: {
            struct fuse_attr_out out = {
                .attr = { .ino = 1, .size = 1 << 20, .mode = S_IFREG | 0600,
                          .nlink = 1, .blksize = 4096 },
            };

            if (!is_open) {
                answer(fuse, request->unique, 0, &out, sizeof out);
            }
            break;
        }
        case FUSE_OPEN: {
            struct fuse_open_out out = { .fh = 1 };

            is_open = true;
            answer(fuse, request->unique, 0, &out, sizeof out);
            break;
        }
        case FUSE_READ:
            break;
        default:
            answer(fuse, request->unique, ENOSYS, NULL, 0);
        }
    }
    return NULL;
}

/* Returns the file's descriptor, or a negative errno value if there is no FUSE
 * here.  Needs CAP_SYS_ADMIN.  The file system is the process's, and goes with
 * it. */
int
fuse_file_open(void)
{
    static int fuse = -1;
    char name[] = "/tmp/fuse-file.XXXXXX";
    char options[64];
    pthread_t thread;
    int fd, error;

    fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    fd = fuse < 0 ? -1 : mkstemp(name);
    if (fd < 0) {
        return -errno;
    }
    close(fd);

    /* Its root is the file. */
    snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=0,group_id=0",
             fuse, S_IFREG | 0600);
    if (mount("fuse-file", name, "fuse", MS_NODEV | MS_NOSUID, options)) {
        error = errno;
    } else {
        error = pthread_create(&thread, NULL, serve, &fuse);
        if (!error) {
            pthread_detach(thread);
            fd = open(name, O_RDWR | O_CLOEXEC);
            error = fd < 0 ? errno : 0;
        }
        umount2(name, MNT_DETACH);
    }
    unlink(name);
    return error ? -error : fd;
}
