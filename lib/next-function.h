/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef NEXT_FUNCTION_H
#define NEXT_FUNCTION_H 1

#include <dlfcn.h>

#include "util.h"

/* Returns the function 'name' of a library, in front of which a function of
 * this program with the same name stands; see dlsym(3).  '*cache', null at
 * first, keeps it.  Any thread. */
static inline void *
next_function(const char *name, void **cache)
{
    void *f = __atomic_load_n(cache, __ATOMIC_RELAXED);

    if (!f) {
        f = dlsym(RTLD_NEXT, name);
        ovs_assert(f);
        __atomic_store_n(cache, f, __ATOMIC_RELAXED);
    }
    return f;
}

#endif /* next-function.h */
