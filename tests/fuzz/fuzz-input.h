/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H 1

/* Reading an input of a fuzzer.  What is not there is 0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static inline bool
at_end(const struct input *in)
{
    return !in->size;
}

static inline void
take(struct input *in, void *p, size_t n)
{
    size_t m = MIN(n, in->size);

    memset(p, 0, n);
    if (m) {
        memcpy(p, in->data, m);
        in->data += m;
        in->size -= m;
    }
}

static inline uint8_t
take8(struct input *in)
{
    uint8_t x;

    take(in, &x, sizeof x);
    return x;
}

static inline uint16_t
take16(struct input *in)
{
    uint16_t x;

    take(in, &x, sizeof x);
    return x;
}

static inline uint32_t
take32(struct input *in)
{
    uint32_t x;

    take(in, &x, sizeof x);
    return x;
}

static inline uint64_t
take64(struct input *in)
{
    uint64_t x;

    take(in, &x, sizeof x);
    return x;
}

/* Replaces some of the 'size' bytes at 'p', if the input wants that. */
static inline void
take_patches(struct input *in, void *p, size_t size)
{
    for (unsigned int n = take8(in) % 8; n && size; n--) {
        size_t ofs = take16(in) % size;

        ((uint8_t *) p)[ofs] = take8(in);
    }
}

#endif /* fuzz-input.h */
