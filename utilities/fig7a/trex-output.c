/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* What TRex prints while it runs, and what we make of it. */

#include "trex.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "openvswitch/json.h"
#include "util.h"

/* Parses a line of the table of ports. */
static void
parse_table_line(const char *line, struct trex_snapshot *s)
{
    unsigned long long int a, b;
    char name[16];

    if (sscanf(line, " %15[a-z] | %llu | %llu", name, &a, &b) != 3) {
        return;
    }

    struct {
        const char *name;
        uint64_t *values;
    } rows[] = {
        { "opackets", s->tx_packets },
        { "obytes", s->tx_bytes },
        { "oerrors", s->tx_errors },
        { "ipackets", s->rx_packets },
        { "ibytes", s->rx_bytes },
        { "ierrors", s->rx_errors },
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!strcmp(name, rows[i].name)) {
            rows[i].values[0] = a;
            rows[i].values[1] = b;
        }
    }
}

/* Parses 'line', without the newline, of what TRex prints.  The screen that it
 * shows twice a second ends with a line with the time; the summary comes at
 * the end, once. */
void
trex_parse_line(const char *line, struct trex_results *r)
{
    unsigned long long int tx, rx, checked, errors, n;
    double average, max, when;
    int port, jitter;
    char word[8];

    if (sscanf(line, " %d | %llu , %llu , %llu , %llu , %lf , %lf , %d",
               &port, &tx, &rx, &checked, &errors, &average, &max,
               &jitter) == 8) {
        if (port == 0 || port == 1) {
            r->latency[port] = (struct trex_latency) {
                .tx = tx, .rx = rx, .errors = errors,
                .average = average, .max = max, .jitter = jitter
            };
            r->have_latency[port] = true;
        }
    } else if (sscanf(line, " current time : %lf", &when) == 1) {
        r->current.when = when;
        r->last = r->current;
        /* Rates count from when packets have come. */
        if (!r->n || !r->first.tx_packets[0]) {
            r->first = r->current;
        }
        r->n++;
    } else if (sscanf(line, " Total-pkt-drop : %llu", &n) == 1) {
        r->drops = n;
        r->complete = true;
    } else if (sscanf(line, " Total-tx-pkt : %llu", &n) == 1) {
        r->tx = n;
    } else if (sscanf(line, " Total-rx-pkt : %llu", &n) == 1) {
        r->rx = n;
    } else if (sscanf(line, " Total-sw-err : %llu", &n) == 1) {
        r->sw_errors = n;
    } else if (sscanf(line, " maximum-latency : %lf", &max) == 1) {
        r->max_latency = max;
        r->have_max_latency = true;
    } else if (sscanf(line, " average-latency : %lf", &average) == 1) {
        r->average_latency = average;
    } else if (sscanf(line, " latency-any-error : %7s", word) == 1) {
        r->latency_error = strcmp(word, "OK");
    } else {
        parse_table_line(line, &r->current);
    }
}

/* Per second, of the sum over both ports, between two snapshots. */
static double
rate(const uint64_t first[2], const uint64_t last[2], double seconds)
{
    return seconds > 0 ? (last[0] + last[1] - first[0] - first[1]) / seconds
           : 0;
}

/* What TRex has sent and received in all.  Without its summary, what it last
 * showed. */
static void
get_totals(const struct trex_results *r, uint64_t *tx, uint64_t *rx,
           uint64_t *drops)
{
    const struct trex_snapshot *s = &r->last;

    *tx = r->complete ? r->tx : s->tx_packets[0] + s->tx_packets[1];
    *rx = r->complete ? r->rx : s->rx_packets[0] + s->rx_packets[1];
    *drops = r->complete ? r->drops : *tx > *rx ? *tx - *rx : 0;
}

/* Prints 'r', of 't', as a table. */
void
trex_print(const struct fig7a_topology *t, const struct fig7a *f,
           const struct trex_results *r)
{
    const struct trex_snapshot *first = &r->first;
    const struct trex_snapshot *last = &r->last;
    double seconds = last->when - first->when;
    uint64_t tx, rx, drops;

    get_totals(r, &tx, &rx, &drops);
    printf("TRex, %s: -m %g, -l %u%s\n", t->id, f->multiplier, f->probes,
           r->complete ? "" : ", stopped early");
    printf("%-9s %14s %9s %9s %10s\n", "", "packets", "Mpps", "Gbps",
           "errors");
    printf("%-9s %14"PRIu64" %9.3f %9.3f %10"PRIu64"\n", "sent", tx,
           rate(first->tx_packets, last->tx_packets, seconds) / 1e6,
           rate(first->tx_bytes, last->tx_bytes, seconds) * 8 / 1e9,
           last->tx_errors[0] + last->tx_errors[1] + r->sw_errors);
    printf("%-9s %14"PRIu64" %9.3f %9.3f %10"PRIu64"\n", "received", rx,
           rate(first->rx_packets, last->rx_packets, seconds) / 1e6,
           rate(first->rx_bytes, last->rx_bytes, seconds) * 8 / 1e9,
           last->rx_errors[0] + last->rx_errors[1]);
    printf("%-9s %14"PRIu64" %8.3f %%\n", "lost", drops,
           tx ? 100.0 * drops / tx : 0);
    if (!f->probes) {
        return;
    }

    printf("\nlatency, in us, by the port that sent the probes\n"
           "%-9s %10s %10s %8s %9s %9s %9s\n", "port", "probes", "returned",
           "errors", "average", "maximum", "jitter");
    for (int i = 0; i < 2; i++) {
        const struct trex_latency *l = &r->latency[i];

        if (r->have_latency[i]) {
            printf("%-9d %10"PRIu64" %10"PRIu64" %8"PRIu64
                   " %9.0f %9.0f %9"PRIu64"\n", i, l->tx, l->rx, l->errors,
                   l->average, l->max, l->jitter);
        }
    }
    if (r->have_max_latency) {
        printf("%-9s %10s %10s %8s %9.0f %9.0f\n", "both", "", "",
               r->latency_error ? "yes" : "none", r->average_latency,
               r->max_latency);
    }
}

static struct json *
direction_to_json(uint64_t packets, double pps, double Bps, uint64_t errors)
{
    struct json *json = json_object_create();

    json_object_put(json, "packets", json_integer_create(packets));
    json_object_put(json, "packets_per_second", json_real_create(pps));
    json_object_put(json, "bits_per_second", json_real_create(Bps * 8));
    json_object_put(json, "errors", json_integer_create(errors));
    return json;
}

/* Prints 'r', of 't', as JSON. */
void
trex_print_json(const struct fig7a_topology *t, const struct fig7a *f,
                const struct trex_results *r)
{
    const struct trex_snapshot *first = &r->first;
    const struct trex_snapshot *last = &r->last;
    double seconds = last->when - first->when;
    struct json *json = json_object_create();
    struct json *ports = json_array_create_empty();
    uint64_t tx, rx, drops;

    get_totals(r, &tx, &rx, &drops);
    json_object_put_string(json, "generator", "trex");
    json_object_put_string(json, "topology", t->id);
    json_object_put(json, "multiplier", json_real_create(f->multiplier));
    json_object_put(json, "probes_per_second",
                    json_integer_create(f->probes));
    json_object_put(json, "complete", json_boolean_create(r->complete));
    json_object_put(json, "seconds", json_real_create(last->when));
    json_object_put(json, "sent", direction_to_json(
        tx, rate(first->tx_packets, last->tx_packets, seconds),
        rate(first->tx_bytes, last->tx_bytes, seconds),
        last->tx_errors[0] + last->tx_errors[1] + r->sw_errors));
    json_object_put(json, "received", direction_to_json(
        rx, rate(first->rx_packets, last->rx_packets, seconds),
        rate(first->rx_bytes, last->rx_bytes, seconds),
        last->rx_errors[0] + last->rx_errors[1]));
    json_object_put(json, "lost", json_integer_create(drops));

    for (int i = 0; i < 2; i++) {
        const struct trex_latency *l = &r->latency[i];
        struct json *port;

        if (!r->have_latency[i]) {
            continue;
        }
        port = json_object_create();
        json_object_put(port, "port", json_integer_create(i));
        json_object_put(port, "sent", json_integer_create(l->tx));
        json_object_put(port, "received", json_integer_create(l->rx));
        json_object_put(port, "errors", json_integer_create(l->errors));
        json_object_put(port, "average_us", json_real_create(l->average));
        json_object_put(port, "max_us", json_real_create(l->max));
        json_object_put(port, "jitter_us", json_integer_create(l->jitter));
        json_array_add(ports, port);
    }
    json_object_put(json, "latency", ports);
    fig7a_put_json(json, stdout);
}
