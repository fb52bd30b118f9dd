/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_PIPELINE_H
#define FIG7A_PIPELINE_H 1

/* OpenFlow rules as "ovs-ofctl add-flows" reads them. */

struct ds;

void fig7a_pipeline_forward(struct ds *, const char *a, const char *b);
void fig7a_pipeline_nsx(struct ds *, const char *vm, const char *tunnel,
                        unsigned int n_rules);

#endif /* pipeline.h */
