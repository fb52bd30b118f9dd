/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_CPUS_H
#define FIG7A_CPUS_H 1

/* CPUs, of which a machine may have any number. */

#include <stddef.h>

char *fig7a_cpu_mask(unsigned int cpu);
size_t fig7a_get_cpus(unsigned int cpus[], size_t max);
void fig7a_run_on_cpu(unsigned int cpu);

#endif /* cpus.h */
