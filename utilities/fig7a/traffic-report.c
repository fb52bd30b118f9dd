/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* What "ovs-fig7a traffic" prints. */

#include "traffic.h"

#include <math.h>
#include <stdlib.h>

#include "median.h"
#include "output.h"
#include "openvswitch/json.h"
#include "util.h"

/* Names of fig7a_sample's percentiles, for a table and for JSON. */
static const char *const percentile_headings[] = {
    "50%", "90%", "99%", "99.9%", "max"
};
static const char *const percentile_names[] = {
    "p50", "p90", "p99", "p99_9", "max"
};

/* The columns of the table. */
enum column {
    SENT, RECEIVED, LOST, PERCENTILES,
    N_COLUMNS = PERCENTILES + ARRAY_SIZE(percentile_names)
};

static double
get_column(const struct fig7a_sample *s, enum column column)
{
    switch (column) {
    case SENT:
        return s->sent / s->seconds / 1e6;
    case RECEIVED:
        return s->received / s->seconds / 1e6;
    case LOST:
        return s->sent ? 100 - 100.0 * s->received / s->sent : 0;
    case PERCENTILES:
    case N_COLUMNS:
    default:
        return s->percentiles[column - PERCENTILES];
    }
}

/* The median of those measurements that have a value, NaN if none has. */
static double
median(const struct fig7a_traffic *tr, enum column column)
{
    double *values = xmalloc(tr->f->repeat * sizeof *values);
    double result;
    size_t n = 0;

    for (size_t i = 0; i < tr->f->repeat; i++) {
        values[n] = get_column(&tr->samples[i], column);
        n += !isnan(values[n]);
    }
    result = fig7a_median(values, n);
    free(values);
    return result;
}

static void
print_samples(const struct fig7a_traffic *tr)
{
    const char *type = fig7a_traffic_type(tr);

    for (size_t i = 0; i <= tr->f->repeat; i++) {
        bool last = i == tr->f->repeat;

        if (last) {
            printf("%-8s %-6s", type, "median");
        } else {
            printf("%-8s %-6"PRIuSIZE, type, i + 1);
        }
        for (enum column c = 0; c < N_COLUMNS; c++) {
            double value = last ? median(tr, c)
                                : get_column(&tr->samples[i], c);

            if (c >= PERCENTILES && !tr->f->probes) {
                break;
            }
            if (isnan(value)) {
                printf(" %8s", "-");
            } else {
                printf(" %8.*f", c == LOST ? 2 : c < LOST ? 3 : 1, value);
            }
        }
        putchar('\n');
    }
}

/* How many packets and probes of all measurements did not come back. */
static uint64_t
count_lost(const struct fig7a_traffic *tr)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < tr->f->repeat; i++) {
        const struct fig7a_sample *s = &tr->samples[i];

        lost += s->sent + s->probes_sent - s->received - s->probes_received;
    }
    return lost;
}

/* How many of them no counter tells of. */
static uint64_t
count_unexplained(const struct fig7a_traffic *tr)
{
    uint64_t lost = count_lost(tr);
    const struct simap_node *node;

    SIMAP_FOR_EACH (node, &tr->drops) {
        lost -= MIN(lost, node->data);
    }
    return lost;
}

static void
print_drops(const struct fig7a_traffic *tr)
{
    const struct simap_node **nodes = simap_sort(&tr->drops);
    size_t n = simap_count(&tr->drops);
    uint64_t unexplained = count_unexplained(tr);

    printf("\n%s: lost %"PRIu64" packets and probes\n",
           fig7a_traffic_type(tr), count_lost(tr));
    for (size_t i = 0; i < n; i++) {
        printf("  %10u  %s\n", nodes[i]->data, nodes[i]->name);
    }
    if (unexplained) {
        printf("  %10"PRIu64"  elsewhere, such as in the VM\n", unexplained);
    }
    free(nodes);
}

/* Prints what was asked for, and what each of the 'n' in 'trs' made. */
void
fig7a_traffic_print(const struct fig7a_traffic *trs, size_t n)
{
    static const char *const headings[PERCENTILES] = {
        "sent", "received", "lost"
    };
    static const char *const units[PERCENTILES] = { "Mpps", "Mpps", "%" };
    const struct fig7a_traffic *tr = &trs[0];
    printf("%s: 64-byte UDP, %d flows, -m %g is %.3f Mpps; %u probes/s\n\n",
           tr->t->id, FIG7A_N_FLOWS, tr->f->multiplier,
           tr->generator.rate / 1e6, tr->f->probes);
    printf("%-8s %-6s", "", "");
    for (enum column c = 0; c < N_COLUMNS; c++) {
        if (c < PERCENTILES || tr->f->probes) {
            printf(" %8s", (c < PERCENTILES ? headings[c]
                            : percentile_headings[c - PERCENTILES]));
        }
    }
    printf("\n%-8s %-6s", "switch", "run");
    for (enum column c = 0; c < N_COLUMNS; c++) {
        if (c < PERCENTILES || tr->f->probes) {
            printf(" %8s", c < PERCENTILES ? units[c] : "us");
        }
    }
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        print_samples(&trs[i]);
    }
    for (size_t i = 0; i < n; i++) {
        print_drops(&trs[i]);
    }
    for (size_t i = 0; i < n; i++) {
        double sent = median(&trs[i], SENT);

        if (sent < 0.98 * tr->generator.rate / 1e6) {
            printf("\n%s: of %.3f Mpps this machine made only %.3f\n",
                   fig7a_traffic_type(&trs[i]), tr->generator.rate / 1e6,
                   sent);
        }
    }
    if (tr->shared_cpus) {
        printf("\nGenerator, switch and VM share CPUs: there are fewer than "
               "three.\n");
    }
}

static struct json *
traffic_to_json(const struct fig7a_traffic *tr)
{
    struct json *json = json_object_create();
    struct json *samples = json_array_create_empty();
    struct json *drops = json_object_create();
    const struct simap_node *node;

    json_object_put_string(json, "generator", "kernel");
    json_object_put_string(json, "topology", tr->t->id);
    json_object_put_string(json, "types", fig7a_traffic_type(tr));
    json_object_put(json, "multiplier",
                    json_real_create(tr->f->multiplier));
    json_object_put(json, "asked_mpps",
                    json_real_create(tr->generator.rate / 1e6));
    json_object_put(json, "probes_per_second",
                    json_integer_create(tr->f->probes));
    json_object_put(json, "shared_cpus",
                    json_boolean_create(tr->shared_cpus));
    for (size_t i = 0; i < tr->f->repeat; i++) {
        const struct fig7a_sample *s = &tr->samples[i];
        struct json *sample = json_object_create();
        struct json *latency = json_object_create();

        json_object_put(sample, "seconds", json_real_create(s->seconds));
        json_object_put(sample, "sent", json_integer_create(s->sent));
        json_object_put(sample, "received", json_integer_create(s->received));
        json_object_put(sample, "sent_mpps",
                        json_real_create(get_column(s, SENT)));
        json_object_put(sample, "received_mpps",
                        json_real_create(get_column(s, RECEIVED)));
        json_object_put(sample, "lost_percent",
                        json_real_create(get_column(s, LOST)));
        json_object_put(sample, "probes_sent",
                        json_integer_create(s->probes_sent));
        json_object_put(sample, "probes_received",
                        json_integer_create(s->probes_received));
        for (size_t j = 0; j < ARRAY_SIZE(percentile_names); j++) {
            json_object_put(latency, percentile_names[j],
                            isnan(s->percentiles[j])
                            ? json_null_create()
                            : json_real_create(s->percentiles[j]));
        }
        json_object_put(sample, "latency_us", latency);
        json_array_add(samples, sample);
    }
    json_object_put(json, "measurements", samples);
    json_object_put(json, "median_received_mpps",
                    json_real_create(median(tr, RECEIVED)));
    SIMAP_FOR_EACH (node, &tr->drops) {
        json_object_put(drops, node->name, json_integer_create(node->data));
    }
    json_object_put(json, "drops", drops);
    json_object_put(json, "drops_elsewhere",
                    json_integer_create(count_unexplained(tr)));
    return json;
}

/* Prints what each of the 'n' in 'trs' made, as JSON. */
void
fig7a_traffic_print_json(const struct fig7a_traffic *trs, size_t n)
{
    struct json *json = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(json, traffic_to_json(&trs[i]));
    }
    fig7a_put_json(json, stdout);
}
