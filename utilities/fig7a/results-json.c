/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Results as JSON, written and read. */

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
#include "util.h"

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
    put_number(json, "median", fig7a_row_is_measured(row), median);
    put_number(json, "ratio", fig7a_row_is_measured(row) && base,
               base ? median / base : 0);
    put_number(json, "paper_gbps", paper_gbps, paper_gbps);
    put_number(json, "paper_ratio", paper_gbps,
               fig7a_paper_ratio(row->topology));
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
    double base = fig7a_results_base(r);

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
