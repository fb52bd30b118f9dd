/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* Counts how often a program copies a packet, to show that a path has no copy.
 * To be preloaded:
 *
 *     LD_PRELOAD=tests/bench/copy-count.so COPY_COUNT=FILE PROGRAM...
 *
 * FILE then has the number of calls of memcpy() and the like, in all threads,
 * with at least MIN_SIZE bytes: 8 bytes in the machine's order.  Copies that a
 * compiler has put in line, such as those of DPDK's vhost library, are not
 * counted. */

#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIN_SIZE 1400

void *__memcpy_chk(void *, const void *, size_t, size_t);
void *__memmove_chk(void *, const void *, size_t, size_t);

typedef void *copy_func(void *, const void *, size_t);

static copy_func *real_memmove;
static uint64_t *counter;

/* Copies while there is no other function for it: dlsym() may need one. */
static void
copy_bytes(volatile char *dst, const char *src, size_t n)
{
    if (dst <= src) {
        for (size_t i = 0; i < n; i++) {
            dst[i] = src[i];
        }
    } else {
        while (n--) {
            dst[n] = src[n];
        }
    }
}

static void *
copy(void *dst, const void *src, size_t n)
{
    if (n >= MIN_SIZE && counter) {
        __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
    }
    if (real_memmove) {
        return real_memmove(dst, src, n);
    }
    copy_bytes(dst, src, n);
    return dst;
}

void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    return copy(dst, src, n);
}

void *
memmove(void *dst, const void *src, size_t n)
{
    return copy(dst, src, n);
}

void *
__memcpy_chk(void *dst, const void *src, size_t n, size_t dst_size)
{
    return n <= dst_size ? copy(dst, src, n) : (abort(), NULL);
}

void *
__memmove_chk(void *dst, const void *src, size_t n, size_t dst_size)
{
    return n <= dst_size ? copy(dst, src, n) : (abort(), NULL);
}

static void __attribute__((constructor))
start(void)
{
    const char *file = getenv("COPY_COUNT");
    int fd = file ? open(file, O_RDWR | O_CREAT, 0600) : -1;

    *(void **) &real_memmove = dlsym(RTLD_NEXT, "memmove");
    if (fd >= 0 && !ftruncate(fd, sizeof *counter)) {
        void *p = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE,
                       MAP_SHARED, fd, 0);

        counter = p == MAP_FAILED ? NULL : p;
    }
}
