/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Medians. */

#include "median.h"

#include <math.h>
#include <stdlib.h>

#include "util.h"

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_;
    const double *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Returns the 'n' 'values', none of which is NaN, in ascending order, for the
 * caller to free. */
double *
fig7a_sort(const double values[], size_t n)
{
    double *sorted = xmalloc(n * sizeof *sorted);

    for (size_t i = 0; i < n; i++) {
        sorted[i] = values[i];
    }
    qsort(sorted, n, sizeof *sorted, compare_doubles);
    return sorted;
}

/* The median of the 'n' 'values', none of which is NaN.  NaN if there are
 * none. */
double
fig7a_median(const double values[], size_t n)
{
    double *sorted, median;

    if (!n) {
        return NAN;
    }
    sorted = fig7a_sort(values, n);
    median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    free(sorted);
    return median;
}
