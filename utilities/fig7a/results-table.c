/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Results as a table. */

#include "results.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "table.h"
#include "util.h"

/* Lines below the table are broken here. */
#define MAX_LINE 79

/* The name of 'row', for the caller to free. */
static char *
row_name(const struct fig7a_row *row)
{
    return xasprintf("%s%s", row->topology->id,
                     row->in_tree ? " (in-tree)" : "");
}

/* Adds a cell with 'format' to 't', or "-" if 'known' is false. */
static void OVS_PRINTF_FORMAT(3, 4)
add_cell(struct table *t, bool known, const char *format, ...)
{
    struct cell *cell = table_add_cell(t);
    va_list args;

    if (known) {
        va_start(args, format);
        cell->text = xvasprintf(format, args);
        va_end(args);
    } else {
        cell->text = xstrdup("-");
    }
}

/* Moves the text of all cells in columns 'first' to 'last', which have
 * 'headings', to the right. */
static void
align_right(struct table *t, const char *const headings[], size_t first,
            size_t last)
{
    for (size_t x = first; x <= last; x++) {
        size_t width = strlen(headings[x]);

        for (size_t y = 0; y < t->n_rows; y++) {
            width = MAX(width, strlen(t->cells[y * t->n_columns + x].text));
        }
        for (size_t y = 0; y < t->n_rows; y++) {
            struct cell *cell = &t->cells[y * t->n_columns + x];
            char *text = xasprintf("%*s", (int) width, cell->text);

            free(cell->text);
            cell->text = text;
        }
    }
}

/* Prints 'text', which may have several lines, broken into lines of MAX_LINE
 * at spaces.  'head' goes before it; the lines after the first are indented as
 * far. */
void
fig7a_print_text(FILE *stream, const char *head, const char *text)
{
    size_t indent = strlen(head);
    size_t column = indent;
    bool first = true;

    fputs(head, stream);
    while (*(text += strspn(text, " \n\r\t"))) {
        size_t n = strcspn(text, " \n\r\t");

        if (first) {
            first = false;
        } else if (column + 1 + n > MAX_LINE) {
            fprintf(stream, "\n%*s", (int) indent, "");
            column = indent;
        } else {
            putc(' ', stream);
            column++;
        }
        column += n;
        for (; n > 0; n--, text++) {
            putc(iscntrl((unsigned char) *text) ? '?' : *text, stream);
        }
    }
    putc('\n', stream);
}

static uint64_t
count_drops(const struct fig7a_row *row)
{
    struct simap_node *node;
    uint64_t total = 0;

    SIMAP_FOR_EACH (node, &row->drops) {
        total += node->data;
    }
    return total;
}

/* Prints what there is of 'row' below its line. */
static void
print_row_details(const struct fig7a_row *row, FILE *stream)
{
    if (row->error) {
        fig7a_print_text(stream, "    error: ", row->error);
    }
    if (count_drops(row)) {
        const struct simap_node **nodes = simap_sort(&row->drops);
        struct ds s = DS_EMPTY_INITIALIZER;

        for (size_t i = 0; i < simap_count(&row->drops); i++) {
            if (nodes[i]->data) {
                ds_put_format(&s, "%s%s=%u", s.length ? ", " : "",
                              nodes[i]->name, nodes[i]->data);
            }
        }
        fig7a_print_text(stream, "    drops: ", ds_cstr(&s));
        ds_destroy(&s);
        free(nodes);
    }
}

/* The numbers of the notes of 'row' in 'notes', which is all of them, as
 * "1,3", for the caller to free. */
static char *
number_notes(const struct fig7a_row *row, const struct svec *notes)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    const char *note;
    size_t i;

    SVEC_FOR_EACH (i, note, notes) {
        if (svec_contains_unsorted(&row->notes, note)) {
            ds_put_format(&s, "%s%"PRIuSIZE, s.length ? "," : "", i + 1);
        }
    }
    return ds_steal_cstr(&s);
}

static void
add_row(struct table *t, const struct fig7a_row *row, double base,
        const struct svec *notes)
{
    double paper_gbps = row->topology->paper_gbps;
    double median = fig7a_row_median(row);
    bool measured = fig7a_row_is_measured(row);
    double min = 0, max = 0;

    if (measured) {
        fig7a_row_range(row, &min, &max);
    }
    table_add_row(t);
    table_add_cell(t)->text = row_name(row);
    add_cell(t, measured, "%.2f", median);
    add_cell(t, measured, "%.2f-%.2f", min, max);
    add_cell(t, measured && base, "%.2f", base ? median / base : 0);
    add_cell(t, paper_gbps, "%.1f", paper_gbps);
    add_cell(t, paper_gbps, "%.2f", fig7a_paper_ratio(row->topology));
    add_cell(t, measured, "%.0f", row->pmd_cpu);
    add_cell(t, measured, "%.0f", row->switch_cpu);
    add_cell(t, measured, "%.0f", row->guest_cpu);
    add_cell(t, measured, "%"PRIu64, count_drops(row));
    add_cell(t, measured, "%"PRIu64, row->retransmits);
    add_cell(t, measured && row->checksums[0], "%s", row->checksums);
    table_add_cell(t)->text = number_notes(row, notes);
}

/* Where 't' comes in the order of the paper's throughput.  Only its Figure
 * 7(b), of one host, has TSO: above all others. */
static double
get_paper_rank(const struct fig7a_topology *t)
{
    return t->paper_gbps ? t->paper_gbps : HUGE_VAL;
}

/* True if 'a' is slower than 'b', although the paper has 'b' slower. */
static bool
is_out_of_order(const struct fig7a_row *a, const struct fig7a_row *b)
{
    return (fig7a_row_is_measured(a) && !a->in_tree
            && fig7a_row_is_measured(b) && !b->in_tree
            && get_paper_rank(b->topology) < get_paper_rank(a->topology)
            && fig7a_row_median(b) > fig7a_row_median(a));
}

/* Says which rows are slower than the paper's order says. */
static void
print_order(const struct fig7a_results *r, FILE *stream)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    size_t n_measured = 0;

    for (size_t i = 0; i < r->n_rows; i++) {
        const struct fig7a_row *a = &r->rows[i];
        bool first = true;

        n_measured += fig7a_row_is_measured(a) && !a->in_tree;
        for (size_t j = 0; j < r->n_rows; j++) {
            const struct fig7a_row *b = &r->rows[j];
            double max, min, unused;

            if (!is_out_of_order(a, b)) {
                continue;
            }
            if (first) {
                ds_put_format(&s, "%s%s, behind ", s.length ? "; " : "",
                              a->topology->id);
                first = false;
            } else {
                ds_put_cstr(&s, " and ");
            }
            fig7a_row_range(a, &unused, &max);
            fig7a_row_range(b, &min, &unused);
            ds_put_format(&s, "%s%s", b->topology->id,
                          max >= min ? " (but their ranges overlap)" : "");
        }
    }
    if (s.length) {
        ds_put_char(&s, '.');
        fig7a_print_text(stream, "Slower than in the paper's order: ",
                         ds_cstr(&s));
    } else if (n_measured > 1) {
        fputs("The rows are in the paper's order.\n", stream);
    }
    ds_destroy(&s);
}

/* Prints 'r' to 'stream' as a table, with what one must know to read it. */
void
fig7a_results_print(const struct fig7a_results *r, FILE *stream)
{
    static const char *const headings[] = {
        "topology", "Gbps", "min-max", "ratio", "paper", "ratio",
        "PMD%", "sw%", "VM%", "drops", "retr", "csum", "notes"
    };
    const struct table_style style = { .format = TF_TABLE, .headings = true };
    struct svec notes = SVEC_EMPTY_INITIALIZER;
    struct ds s = DS_EMPTY_INITIALIZER;
    double base = fig7a_results_base(r);
    struct table t;
    const char *note;
    char *save = NULL;
    char *line;
    size_t i;

    ds_put_format(&s, "%s: Linux %s, %u CPU%s, Open vSwitch %s, endpoint %s, "
                  "pipeline %s, %u s for each measurement", r->date, r->kernel,
                  r->n_cpus, r->n_cpus == 1 ? "" : "s", r->ovs_version,
                  r->endpoint, r->pipeline, r->duration);
    fig7a_print_text(stream, "", ds_cstr(&s));
    putc('\n', stream);

    table_init(&t);
    for (i = 0; i < ARRAY_SIZE(headings); i++) {
        table_add_column(&t, "%s", headings[i]);
    }
    for (i = 0; i < r->n_rows; i++) {
        size_t j;

        SVEC_FOR_EACH (j, note, &r->rows[i].notes) {
            if (!svec_contains_unsorted(&notes, note)) {
                svec_add(&notes, note);
            }
        }
    }
    for (i = 0; i < r->n_rows; i++) {
        add_row(&t, &r->rows[i], base, &notes);
    }
    align_right(&t, headings, 1, 10);

    /* Two lines of headings, then one for each row. */
    table_format_reset();
    ds_clear(&s);
    table_format(&t, &style, &s);
    table_destroy(&t);
    i = 0;
    for (line = strtok_r(ds_cstr(&s), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        fprintf(stream, "%s\n", line);
        if (++i > 2) {
            print_row_details(&r->rows[i - 3], stream);
        }
    }
    ds_destroy(&s);

    putc('\n', stream);
    print_order(r, stream);
    fig7a_print_text(stream, "",
               "Gbps: the median; ratio: to kernel-tap; %: of one CPU, both "
               "hosts together, of threads that poll (PMD), all of the "
               "switches (sw) and the guests (VM); retr: TCP segments sent "
               "again, of all measurements; csum: who completed the "
               "checksums.");
    if (notes.n) {
        fputs("Not comparable with the paper:\n", stream);
    }
    SVEC_FOR_EACH (i, note, &notes) {
        char *head = xasprintf("%3"PRIuSIZE". ", i + 1);

        fig7a_print_text(stream, head, note);
        free(head);
    }
    svec_destroy(&notes);
}

/* Prints 'row' of 'r' to 'stream', in a line. */
void
fig7a_results_print_row(const struct fig7a_results *r,
                        const struct fig7a_row *row, FILE *stream)
{
    double base = fig7a_results_base(r);
    char *name = row_name(row);

    if (!fig7a_row_is_measured(row)) {
        char *head = xasprintf("%s: failed: ", name);

        fig7a_print_text(stream, head, row->error ? row->error : "");
        free(head);
    } else {
        fprintf(stream, "%s: %.2f Gbps", name, fig7a_row_median(row));
        if (base && (row->topology != &fig7a_topologies[0] || row->in_tree)) {
            fprintf(stream, ", %.2f times %s", fig7a_row_median(row) / base,
                    fig7a_topologies[0].id);
        }
        putc('\n', stream);
    }
    fflush(stream);
    free(name);
}
