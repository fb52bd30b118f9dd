/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Prints what utilities/fig7a/cpus.c makes of CPUs: the mask of each that is
 * an argument; without any, those on which this program may run, before and
 * after it was told to run on the last of them only. */

#include <stdio.h>
#include <stdlib.h>

#include "fig7a/cpus.h"
#include "util.h"

static void
print_cpus(void)
{
    unsigned int cpus[4];
    size_t n = fig7a_get_cpus(cpus, ARRAY_SIZE(cpus));

    for (size_t i = 0; i < n; i++) {
        printf("%s%u", i ? " " : "", cpus[i]);
    }
    putchar('\n');
    fig7a_run_on_cpu(cpus[n - 1]);
}

int
main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        char *mask = fig7a_cpu_mask(atoi(argv[i]));

        printf("%s\n", mask);
        free(mask);
    }
    if (argc < 2) {
        print_cpus();
        print_cpus();
    }
    return 0;
}
