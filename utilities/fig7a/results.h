/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_RESULTS_H
#define FIG7A_RESULTS_H 1

/* What "ovs-fig7a run" has measured: as a table, as JSON and as a figure. */

#include <stdio.h>

#include "fig7a.h"
#include "simap.h"
#include "svec.h"

struct json;

/* One topology.  CPU times are those of both hosts together, in percent of one
 * CPU. */
struct fig7a_row {
    const struct fig7a_topology *topology;
    bool in_tree;               /* With OVS's own types instead of ours. */
    char *error;                /* Why there is no figure, or null. */
    double *gbps;               /* Each measurement. */
    size_t n_gbps;
    double pmd_cpu;             /* Threads that poll. */
    double switch_cpu;          /* All of ovs-vswitchd. */
    double guest_cpu;
    uint64_t retransmits;       /* Of all measurements. */
    struct simap drops;         /* "left:eth0:rx_dropped", and how many. */
    char *checksums;            /* Who completed them: "guest", "switch"... */
    struct svec notes;          /* What cannot be compared. */
};

struct fig7a_results {
    struct fig7a_row *rows;
    size_t n_rows, allocated_rows;
    char *date;                 /* ISO 8601, UTC. */
    char *kernel;               /* As uname -r. */
    char *ovs_version;
    char *endpoint;             /* "uml" or "veth". */
    char *pipeline;             /* "forward" or "nsx". */
    unsigned int n_cpus;
    unsigned int duration;      /* Of one measurement, in seconds. */
};

void fig7a_results_init(struct fig7a_results *);
void fig7a_results_destroy(struct fig7a_results *);
struct fig7a_row *fig7a_results_add(struct fig7a_results *,
                                    const struct fig7a_topology *);
double fig7a_row_median(const struct fig7a_row *);
void fig7a_row_range(const struct fig7a_row *, double *minp, double *maxp);
bool fig7a_row_is_measured(const struct fig7a_row *);
double fig7a_results_base(const struct fig7a_results *);
double fig7a_paper_ratio(const struct fig7a_topology *);

/* In results-table.c. */
void fig7a_results_print(const struct fig7a_results *, FILE *);
void fig7a_results_print_row(const struct fig7a_results *,
                             const struct fig7a_row *, FILE *);
void fig7a_print_text(FILE *, const char *head, const char *text);

/* In results-json.c. */
struct json *fig7a_results_to_json(const struct fig7a_results *);
char *fig7a_results_from_json(struct fig7a_results *, const struct json *);

/* In plot.c. */
char *fig7a_plot(const struct fig7a_results *, const char *file_name,
                 bool normalize);

#endif /* results.h */
