/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* CPUs: which there are, and masks of them. */

#include "cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "util.h"

/* More CPUs than any kernel knows of. */
#define MAX_CPUS (1 << 20)

/* Returns the mask that has only 'cpu', in hexadecimal digits as
 * other_config:pmd-cpu-mask takes them, for the caller to free. */
char *
fig7a_cpu_mask(unsigned int cpu)
{
    /* The precision is the number of zeros, and may be 0. */
    return xasprintf("%x%.*d", 1u << cpu % 4, (int) (cpu / 4), 0);
}

/* Stores in 'cpus' the first CPUs on which the calling thread may run, at most
 * 'max'.  Returns how many, at least 1 if 'max' is. */
size_t
fig7a_get_cpus(unsigned int cpus[], size_t max)
{
    size_t n = 0;

    /* The kernel refuses a set that is smaller than its own. */
    for (int n_cpus = CPU_SETSIZE; n_cpus <= MAX_CPUS && !n; n_cpus *= 2) {
        size_t size = CPU_ALLOC_SIZE(n_cpus);
        cpu_set_t *set = CPU_ALLOC(n_cpus);

        if (set && !sched_getaffinity(0, size, set)) {
            for (int i = 0; i < n_cpus && n < max; i++) {
                if (CPU_ISSET_S(i, size, set)) {
                    cpus[n++] = i;
                }
            }
        }
        CPU_FREE(set);
    }
    if (!n && max) {
        cpus[n++] = 0;
    }
    return n;
}

/* Has the calling thread run on 'cpu' only. */
void
fig7a_run_on_cpu(unsigned int cpu)
{
    size_t size = CPU_ALLOC_SIZE(cpu + 1);
    cpu_set_t *set = CPU_ALLOC(cpu + 1);

    if (set) {
        CPU_ZERO_S(size, set);
        CPU_SET_S(cpu, size, set);
        sched_setaffinity(0, size, set);
        CPU_FREE(set);
    }
}
