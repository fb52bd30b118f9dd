/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_MEASURE_H
#define FIG7A_MEASURE_H 1

/* One measurement: TCP from the VM on the left to that on the right, and what
 * switches and guests have used and counted meanwhile. */

struct fig7a_row;
struct fig7a_setup;

char *fig7a_measure(struct fig7a_setup *, struct fig7a_row *);

#endif /* measure.h */
