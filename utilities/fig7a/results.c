/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Results: made, filled in and freed. */

#include "results.h"

#include <stdlib.h>

#include "median.h"
#include "util.h"

/* Makes 'r' empty, with empty strings. */
void
fig7a_results_init(struct fig7a_results *r)
{
    *r = (struct fig7a_results) {
        .date = xstrdup(""),
        .kernel = xstrdup(""),
        .ovs_version = xstrdup(""),
        .endpoint = xstrdup(""),
        .pipeline = xstrdup(""),
    };
}

void
fig7a_results_destroy(struct fig7a_results *r)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        struct fig7a_row *row = &r->rows[i];

        free(row->error);
        free(row->gbps);
        simap_destroy(&row->drops);
        free(row->checksums);
        svec_destroy(&row->notes);
    }
    free(r->rows);
    free(r->date);
    free(r->kernel);
    free(r->ovs_version);
    free(r->endpoint);
    free(r->pipeline);
}

/* Adds a row of 'topology' to 'r' and returns it, for the caller to fill in.
 * It may move as the next one is added. */
struct fig7a_row *
fig7a_results_add(struct fig7a_results *r,
                  const struct fig7a_topology *topology)
{
    struct fig7a_row *row;

    if (r->n_rows >= r->allocated_rows) {
        r->rows = x2nrealloc(r->rows, &r->allocated_rows, sizeof *r->rows);
        for (size_t i = 0; i < r->n_rows; i++) {
            simap_moved(&r->rows[i].drops);
        }
    }
    row = &r->rows[r->n_rows++];
    *row = (struct fig7a_row) {
        .topology = topology,
        .checksums = xstrdup(""),
        .notes = SVEC_EMPTY_INITIALIZER,
    };
    simap_init(&row->drops);
    return row;
}

/* The median of the measurements of 'row', 0 if there are none. */
double
fig7a_row_median(const struct fig7a_row *row)
{
    return row->n_gbps ? fig7a_median(row->gbps, row->n_gbps) : 0;
}

/* Stores the least and the greatest of the measurements of 'row', of which
 * there must be some. */
void
fig7a_row_range(const struct fig7a_row *row, double *minp, double *maxp)
{
    double *sorted = fig7a_sort(row->gbps, row->n_gbps);

    *minp = sorted[0];
    *maxp = sorted[row->n_gbps - 1];
    free(sorted);
}

/* True if 'row' has a figure. */
bool
fig7a_row_is_measured(const struct fig7a_row *row)
{
    return row->n_gbps && !row->error;
}

/* The median of the first topology, to which ratios refer, 0 if there is
 * none. */
double
fig7a_results_base(const struct fig7a_results *r)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct fig7a_row *row = &r->rows[i];

        if (row->topology == &fig7a_topologies[0] && !row->in_tree
            && fig7a_row_is_measured(row)) {
            return fig7a_row_median(row);
        }
    }
    return 0;
}

/* The same of the figure in the paper.  0 if the paper does not have 't'. */
double
fig7a_paper_ratio(const struct fig7a_topology *t)
{
    return t->paper_gbps / fig7a_topologies[0].paper_gbps;
}
