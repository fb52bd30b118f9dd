/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "results.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "ovs-compat.h"
#include "sset.h"
#include "table.h"
#include "util.h"

/* Lines below the table are broken here. */
#define MAX_LINE 79

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

static int
compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_;
    const double *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Returns the measurements of 'row' in ascending order, for the caller to
 * free. */
static double *
sort_gbps(const struct fig7a_row *row)
{
    double *sorted = xmemdup(row->gbps, row->n_gbps * sizeof *row->gbps);

    qsort(sorted, row->n_gbps, sizeof *sorted, compare_doubles);
    return sorted;
}

/* The median of the measurements of 'row', 0 if there are none. */
double
fig7a_row_median(const struct fig7a_row *row)
{
    size_t n = row->n_gbps;
    double *sorted, median;

    if (!n) {
        return 0;
    }
    sorted = sort_gbps(row);
    median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    free(sorted);
    return median;
}

/* Stores the least and the greatest of the measurements of 'row', of which
 * there must be some. */
void
fig7a_row_range(const struct fig7a_row *row, double *minp, double *maxp)
{
    double *sorted = sort_gbps(row);

    *minp = sorted[0];
    *maxp = sorted[row->n_gbps - 1];
    free(sorted);
}

/* The name of 'row', for the caller to free. */
static char *
row_name(const struct fig7a_row *row)
{
    return xasprintf("%s%s", row->topology->id,
                     row->in_tree ? " (in-tree)" : "");
}

/* True if 'row' has a figure. */
static bool
is_measured(const struct fig7a_row *row)
{
    return row->n_gbps && !row->error;
}

/* The median of the first topology, to which ratios refer, 0 if there is
 * none. */
static double
get_base(const struct fig7a_results *r)
{
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct fig7a_row *row = &r->rows[i];

        if (row->topology == &fig7a_topologies[0] && !row->in_tree
            && is_measured(row)) {
            return fig7a_row_median(row);
        }
    }
    return 0;
}

static double
get_paper_ratio(const struct fig7a_topology *t)
{
    return t->paper_gbps / fig7a_topologies[0].paper_gbps;
}

/* The table. */

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
static void
print_text(FILE *stream, const char *head, const char *text)
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
        print_text(stream, "    error: ", row->error);
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
        print_text(stream, "    drops: ", ds_cstr(&s));
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
    bool measured = is_measured(row);
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
    add_cell(t, paper_gbps, "%.2f", get_paper_ratio(row->topology));
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
    return (is_measured(a) && !a->in_tree && is_measured(b) && !b->in_tree
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

        n_measured += is_measured(a) && !a->in_tree;
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
        print_text(stream, "Slower than in the paper's order: ", ds_cstr(&s));
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
    double base = get_base(r);
    struct table t;
    const char *note;
    char *save = NULL;
    char *line;
    size_t i;

    ds_put_format(&s, "%s: Linux %s, %u CPU%s, Open vSwitch %s, endpoint %s, "
                  "pipeline %s, %u s for each measurement", r->date, r->kernel,
                  r->n_cpus, r->n_cpus == 1 ? "" : "s", r->ovs_version,
                  r->endpoint, r->pipeline, r->duration);
    print_text(stream, "", ds_cstr(&s));
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
    print_text(stream, "",
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

        print_text(stream, head, note);
        free(head);
    }
    svec_destroy(&notes);
}

/* JSON. */

static void
put_number(struct json *json, const char *name, bool known, double number)
{
    if (known) {
        json_object_put(json, name, json_real_create(number));
    }
}

static struct json *
row_to_json(const struct fig7a_row *row, double base)
{
    double paper_gbps = row->topology->paper_gbps;
    struct json *gbps = json_array_create_empty();
    struct json *notes = json_array_create_empty();
    struct json *drops = json_object_create();
    struct json *json = json_object_create();
    double median = fig7a_row_median(row);
    struct simap_node *node;
    const char *note;
    size_t i;

    for (i = 0; i < row->n_gbps; i++) {
        json_array_add(gbps, json_real_create(row->gbps[i]));
    }
    SVEC_FOR_EACH (i, note, &row->notes) {
        json_array_add(notes, json_string_create(note));
    }
    SIMAP_FOR_EACH (node, &row->drops) {
        json_object_put(drops, node->name, json_integer_create(node->data));
    }
    json_object_put_string(json, "topology", row->topology->id);
    json_object_put(json, "in_tree", json_boolean_create(row->in_tree));
    if (row->error) {
        json_object_put_string(json, "error", row->error);
    }
    json_object_put(json, "gbps", gbps);
    put_number(json, "median", is_measured(row), median);
    put_number(json, "ratio", is_measured(row) && base,
               base ? median / base : 0);
    put_number(json, "paper_gbps", paper_gbps, paper_gbps);
    put_number(json, "paper_ratio", paper_gbps,
               get_paper_ratio(row->topology));
    put_number(json, "pmd_cpu", true, row->pmd_cpu);
    put_number(json, "switch_cpu", true, row->switch_cpu);
    put_number(json, "guest_cpu", true, row->guest_cpu);
    json_object_put(json, "retransmits",
                    json_integer_create(row->retransmits));
    json_object_put(json, "drops", drops);
    json_object_put_string(json, "checksums", row->checksums);
    json_object_put(json, "notes", notes);
    return json;
}

/* Returns 'r' as JSON, for the caller to free.  What can be computed from the
 * rest is in there for other programs: "median", "ratio" and what the paper
 * has. */
struct json *
fig7a_results_to_json(const struct fig7a_results *r)
{
    struct json *rows = json_array_create_empty();
    struct json *json = json_object_create();
    double base = get_base(r);

    for (size_t i = 0; i < r->n_rows; i++) {
        json_array_add(rows, row_to_json(&r->rows[i], base));
    }
    json_object_put_string(json, "date", r->date);
    json_object_put_string(json, "kernel", r->kernel);
    json_object_put_string(json, "ovs_version", r->ovs_version);
    json_object_put_string(json, "endpoint", r->endpoint);
    json_object_put_string(json, "pipeline", r->pipeline);
    json_object_put(json, "n_cpus", json_integer_create(r->n_cpus));
    json_object_put(json, "duration", json_integer_create(r->duration));
    json_object_put(json, "rows", rows);
    return json;
}

/* Reads an object.  The first error stays, and ends the reading. */
struct reader {
    const char *name;           /* Of the object, before its members'. */
    const struct json *object;
    struct sset known;          /* Names of members that were asked for. */
    char **errorp;              /* For the caller to free, null: none. */
};

static void
reader_init(struct reader *reader, const char *name, const struct json *object,
            char **errorp)
{
    *reader = (struct reader) { name, object, SSET_INITIALIZER(&reader->known),
                                errorp };
    if (!*errorp && object->type != JSON_OBJECT) {
        *errorp = xasprintf("%s is not an object", *name ? name : "it");
    }
}

static void OVS_PRINTF_FORMAT(3, 4)
reader_fail(struct reader *reader, const char *member, const char *format, ...)
{
    if (!*reader->errorp) {
        struct ds s = DS_EMPTY_INITIALIZER;
        va_list args;

        ds_put_format(&s, "%s%s%s ", reader->name, *reader->name ? "." : "",
                      member);
        va_start(args, format);
        ds_put_format_valist(&s, format, args);
        va_end(args);
        *reader->errorp = ds_steal_cstr(&s);
    }
}

static void
reader_destroy(struct reader *reader)
{
    if (!*reader->errorp) {
        struct shash_node *node;

        SHASH_FOR_EACH (node, json_object(reader->object)) {
            if (!sset_contains(&reader->known, node->name)) {
                reader_fail(reader, node->name, "is not known");
            }
        }
    }
    sset_destroy(&reader->known);
}

/* The member 'name', null if there is an error, or if it is missing, which is
 * one, too, if it is 'required'. */
static const struct json *
reader_get(struct reader *reader, const char *name, bool required)
{
    const struct json *json;

    if (*reader->errorp) {
        return NULL;
    }
    sset_add(&reader->known, name);
    json = shash_find_data(json_object(reader->object), name);
    if (!json && required) {
        reader_fail(reader, name, "is missing");
    }
    return json;
}

/* As reader_get(), for one of 'type', which 'what' describes. */
static const struct json *
reader_get_type(struct reader *reader, const char *name, enum json_type type,
                const char *what)
{
    const struct json *json = reader_get(reader, name, true);

    if (json && json->type != type) {
        reader_fail(reader, name, "is not %s", what);
        json = NULL;
    }
    return json;
}

/* True if a table can have 's' in a cell. */
static bool
is_one_line(const char *s)
{
    for (; *s; s++) {
        if (iscntrl((unsigned char) *s)) {
            return false;
        }
    }
    return true;
}

/* Replaces '*sp' by a string. */
static void
read_string(struct reader *reader, const char *name, char **sp)
{
    const struct json *json = reader_get_type(reader, name, JSON_STRING,
                                              "a string");

    if (json && !is_one_line(json_string(json))) {
        reader_fail(reader, name, "has control characters");
    } else if (json) {
        free(*sp);
        *sp = xstrdup(json_string(json));
    }
}

/* True if 'json' is a number, 0 or more, and not more than 'max'. */
static bool
to_number(const struct json *json, double max, double *np)
{
    *np = (json->type == JSON_INTEGER ? json_integer(json)
           : json->type == JSON_REAL ? json_real(json)
           : -1);
    return *np >= 0 && *np <= max;
}

static double
read_real(struct reader *reader, const char *name, double max, bool required)
{
    const struct json *json = reader_get(reader, name, required);
    double n = 0;

    if (json && !to_number(json, max, &n)) {
        reader_fail(reader, name, "is not a number from 0 to %g", max);
        n = 0;
    }
    return n;
}

static uint64_t
read_integer(struct reader *reader, const char *name, uint64_t min,
             uint64_t max)
{
    const struct json *json = reader_get(reader, name, true);

    if (json && (json->type != JSON_INTEGER || json_integer(json) < 0
                 || json_integer(json) < min || json_integer(json) > max)) {
        reader_fail(reader, name, "is not a whole number from %"PRIu64
                    " to %"PRIu64, min, max);
        json = NULL;
    }
    return json ? json_integer(json) : 0;
}

static void
read_gbps(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get_type(reader, "gbps", JSON_ARRAY,
                                              "an array");

    if (json) {
        size_t n = json_array_size(json);

        row->gbps = xcalloc(n, sizeof *row->gbps);
        for (row->n_gbps = 0; row->n_gbps < n; row->n_gbps++) {
            if (!to_number(json_array_at(json, row->n_gbps), 1e6,
                           &row->gbps[row->n_gbps])) {
                reader_fail(reader, "gbps", "has something that is not a "
                            "number from 0 to 1000000");
                break;
            }
        }
    }
}

static void
read_notes(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get_type(reader, "notes", JSON_ARRAY,
                                              "an array");

    for (size_t i = 0; json && i < json_array_size(json); i++) {
        const struct json *note = json_array_at(json, i);

        if (note->type != JSON_STRING) {
            reader_fail(reader, "notes", "has something that is not a string");
            break;
        }
        svec_add(&row->notes, json_string(note));
    }
}

static void
read_drops(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get_type(reader, "drops", JSON_OBJECT,
                                              "an object");

    if (json) {
        char *name = xasprintf("%s.drops", reader->name);
        struct shash_node *node;
        struct reader drops;

        reader_init(&drops, name, json, reader->errorp);
        SHASH_FOR_EACH (node, json_object(json)) {
            simap_put(&row->drops, node->name,
                      read_integer(&drops, node->name, 0, UINT_MAX));
        }
        reader_destroy(&drops);
        free(name);
    }
}

static void
read_topology(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get_type(reader, "topology", JSON_STRING,
                                              "a string");

    for (size_t i = 0; json && i < fig7a_n_topologies; i++) {
        if (!strcmp(json_string(json), fig7a_topologies[i].id)) {
            row->topology = &fig7a_topologies[i];
            return;
        }
    }
    reader_fail(reader, "topology", "is not one of those that \"list\" "
                "prints");
}

static void
read_in_tree(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get(reader, "in_tree", true);

    if (json && json->type != JSON_TRUE && json->type != JSON_FALSE) {
        reader_fail(reader, "in_tree", "is not true or false");
    } else if (json) {
        row->in_tree = json_boolean(json);
    }
}

static void
read_error(struct reader *reader, struct fig7a_row *row)
{
    const struct json *json = reader_get(reader, "error", false);

    if (json && json->type != JSON_STRING) {
        reader_fail(reader, "error", "is not a string");
    } else if (json) {
        row->error = xstrdup(json_string(json));
    }
}

static void
read_row(struct fig7a_results *r, const char *name, const struct json *json,
         char **errorp)
{
    struct fig7a_row *row = fig7a_results_add(r, &fig7a_topologies[0]);
    static const char *const derived[] = {
        "median", "ratio", "paper_gbps", "paper_ratio"
    };
    struct reader reader;

    reader_init(&reader, name, json, errorp);
    read_topology(&reader, row);
    read_in_tree(&reader, row);
    read_error(&reader, row);
    read_gbps(&reader, row);
    for (size_t i = 0; i < ARRAY_SIZE(derived); i++) {
        read_real(&reader, derived[i], HUGE_VAL, false);
    }
    row->pmd_cpu = read_real(&reader, "pmd_cpu", 1e6, true);
    row->switch_cpu = read_real(&reader, "switch_cpu", 1e6, true);
    row->guest_cpu = read_real(&reader, "guest_cpu", 1e6, true);
    row->retransmits = read_integer(&reader, "retransmits", 0, INT64_MAX);
    read_drops(&reader, row);
    read_string(&reader, "checksums", &row->checksums);
    read_notes(&reader, row);
    if (!*errorp && !row->error && !row->n_gbps) {
        *errorp = xasprintf("%s has neither gbps nor an error", name);
    }
    reader_destroy(&reader);
}

/* Initializes 'r' with what fig7a_results_to_json() has made of results.
 * Returns null, or what is wrong with 'json', for the caller to free.  In both
 * cases the caller destroys 'r'. */
char *
fig7a_results_from_json(struct fig7a_results *r, const struct json *json)
{
    const struct json *rows;
    struct reader reader;
    char *error = NULL;

    fig7a_results_init(r);
    reader_init(&reader, "", json, &error);
    read_string(&reader, "date", &r->date);
    read_string(&reader, "kernel", &r->kernel);
    read_string(&reader, "ovs_version", &r->ovs_version);
    read_string(&reader, "endpoint", &r->endpoint);
    read_string(&reader, "pipeline", &r->pipeline);
    r->n_cpus = read_integer(&reader, "n_cpus", 1, 1000000);
    r->duration = read_integer(&reader, "duration", 1, 1000000);
    rows = reader_get_type(&reader, "rows", JSON_ARRAY, "an array");
    for (size_t i = 0; rows && i < json_array_size(rows) && !error; i++) {
        char *name = xasprintf("rows[%"PRIuSIZE"]", i);

        read_row(r, name, json_array_at(rows, i), &error);
        free(name);
    }
    if (rows && !error && !r->n_rows) {
        reader_fail(&reader, "rows", "is empty");
    }
    reader_destroy(&reader);
    return error;
}
