/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_CHECK_H
#define FIG7A_CHECK_H 1

/* What a machine lacks for a topology. */

#include "fig7a.h"

char *fig7a_check_up(const struct fig7a_topology *, const struct fig7a *);
char *fig7a_check_run(const struct fig7a *);
bool fig7a_has_bridge(const char *name);

#endif /* check.h */
