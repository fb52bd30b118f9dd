/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_MEDIAN_H
#define FIG7A_MEDIAN_H 1

#include <stddef.h>

double *fig7a_sort(const double values[], size_t n);
double fig7a_median(const double values[], size_t n);

#endif /* median.h */
