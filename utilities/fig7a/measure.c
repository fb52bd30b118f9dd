/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "measure.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "host.h"
#include "results.h"
#include "setup.h"
#include "topology.h"
#include "openvswitch/json.h"
#include "simap.h"
#include "timeval.h"
#include "util.h"

/* Counters of our ports; see ovs-datapath-plugins(7). */
#define VM_LEFT_TO_SWITCH "rx_csum_partial"
#define VM_LEFT_TO_VM "tx_csum_partial"

/* What a measurement starts and ends with. */
struct snapshot {
    struct simap counters;      /* "HOST:PORT:COUNTER". */
    struct fig7a_cpu cpu;       /* Of both switches. */
    double guest_cpu;           /* In seconds. */
    long long int when;         /* In ms. */
};

/* The CPU time, in seconds, of the processes of the guest in 'dir', which are
 * those of one session; see proc(5). */
static double
get_guest_cpu(struct fig7a_setup *s, int i)
{
    struct dirent *entry;
    double seconds = 0;
    char *output;
    DIR *dir;
    int sid;

    if (!s->ends[i].guest_dir
        || fig7a_run(NULL, 10, &output, "%s pid %s", s->uml_guest,
                     s->ends[i].guest_dir)) {
        return 0;
    }
    sid = atoi(output);
    free(output);

    dir = opendir("/proc");
    while (dir && (entry = readdir(dir))) {
        unsigned long int user, sys;
        long int child_user, child_sys;
        char *file = xasprintf("/proc/%s/stat", entry->d_name);
        FILE *stream = atoi(entry->d_name) ? fopen(file, "r") : NULL;
        int session;

        free(file);
        if (stream) {
            if (fscanf(stream, "%*d (%*[^)]) %*c %*d %*d %d %*d %*d %*u %*u "
                       "%*u %*u %*u %lu %lu %ld %ld", &session, &user, &sys,
                       &child_user, &child_sys) == 5 && session == sid) {
                seconds += ((double) (user + sys + child_user + child_sys)
                            / sysconf(_SC_CLK_TCK));
            }
            fclose(stream);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return seconds;
}

static void
take_snapshot(struct fig7a_setup *s, struct snapshot *shot)
{
    *shot = (struct snapshot) { .when = time_msec() };
    simap_init(&shot->counters);
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        shot->guest_cpu += get_guest_cpu(s, i);
        if (!s->in_uml) {
            struct simap counters = SIMAP_INITIALIZER(&counters);
            const struct simap_node *node;
            struct fig7a_cpu cpu;

            fig7a_host_get_cpu(&s->ends[i].host, &cpu);
            shot->cpu.pmd += cpu.pmd;
            shot->cpu.all += cpu.all;
            fig7a_host_get_counters(&s->ends[i].host, &counters);
            SIMAP_FOR_EACH (node, &counters) {
                char *name = xasprintf("%s:%s", s->ends[i].name, node->name);

                simap_put(&shot->counters, name, node->data);
                free(name);
            }
            simap_destroy(&counters);
        }
    }
}

/* How much the counter 'node' of 'after' has grown since 'before'. */
static unsigned int
growth(const struct snapshot *before, const struct simap_node *node)
{
    return node->data - simap_get(&before->counters, node->name);
}

/* The sum of the counters of the port 'port' that are called 'name'. */
static unsigned int
sum_growth(const struct snapshot *before, const struct snapshot *after,
           const char *port, const char *name)
{
    char *suffix = xasprintf(":%s:%s", port, name);
    const struct simap_node *node;
    unsigned int sum = 0;

    SIMAP_FOR_EACH (node, &after->counters) {
        size_t length = strlen(node->name), n = strlen(suffix);

        if (length > n && !strcmp(node->name + length - n, suffix)) {
            sum += growth(before, node);
        }
    }
    free(suffix);
    return sum;
}

static bool
is_drop(const char *name)
{
    return strstr(name, "drop") || strstr(name, "_errs");
}

/* Who completed the checksums of what the VM on the left has sent. */
static char *
describe_checksums(const struct fig7a_setup *s, const struct snapshot *before,
                   const struct snapshot *after)
{
    const char *port = s->t->vhostuser ? FIG7A_VM : "vm0";
    unsigned int left, given;

    if (s->in_uml) {
        return xstrdup("guest kernel");
    } else if (!s->t->nic_type) {
        return xstrdup("kernel");
    } else if (s->in_tree) {
        return xstrdup("not counted");
    }
    left = sum_growth(before, after, port, VM_LEFT_TO_SWITCH);
    given = sum_growth(before, after, port, VM_LEFT_TO_VM);
    return xstrdup(given ? "receiver" : left ? "switch" : "sender");
}

/* Returns the member of 'object' that is called 'name', or null. */
static const struct json *
json_member(const struct json *object, const char *name)
{
    return (object && object->type == JSON_OBJECT
            ? shash_find_data(json_object(object), name) : NULL);
}

static double
json_number(const struct json *json)
{
    return (!json ? NAN : json->type == JSON_REAL ? json->real
            : json->type == JSON_INTEGER ? json->integer : NAN);
}

/* Adds what iperf3 has printed in 'text' to 'row'. */
static char *
parse_iperf(const char *text, struct fig7a_row *row)
{
    struct json *json = json_from_string(text);
    const struct json *end = json_member(json, "end");
    double bps = json_number(json_member(json_member(end, "sum_received"),
                                         "bits_per_second"));
    double again = json_number(json_member(json_member(end, "sum_sent"),
                                           "retransmits"));
    char *error = NULL;

    if (isnan(bps) || bps <= 0) {
        const struct json *why = json_member(json, "error");

        error = xasprintf("iperf3: %s", (why && why->type == JSON_STRING
                                         ? json_string(why)
                                         : "it has not measured anything"));
    } else {
        row->gbps = xrealloc(row->gbps, (row->n_gbps + 1) * sizeof *row->gbps);
        row->gbps[row->n_gbps++] = bps / 1e9;
        row->retransmits += isnan(again) ? 0 : again;
    }
    json_destroy(json);
    return error;
}

/* Waits until the VMs of 's' see each other: the first packets are lost while
 * the switches look for each other. */
static char *
wait_for_peer(const struct fig7a_setup *s)
{
    char *script = xasprintf("for i in {1..30}; do "
                             "ping -q -c 1 -W 1 %s >/dev/null && exit; "
                             "sleep 0.1; done; exit 1",
                             s->ends[FIG7A_RIGHT].vm_ip);
    char *error = fig7a_run_script(&s->ends[FIG7A_LEFT].vm, 90, script);

    free(script);
    if (error) {
        free(error);
        return xstrdup("the VMs do not reach each other");
    }
    return NULL;
}

/* Measures 's', which is up, once, and adds that to 'row'.  Returns null, or
 * what went wrong, for the caller to free. */
char *
fig7a_measure(struct fig7a_setup *s, struct fig7a_row *row)
{
    struct snapshot before, after;
    const struct simap_node *node;
    char *output, *error;
    double seconds, n = row->n_gbps;

    error = fig7a_setup_wake(s);
    if (!error) {
        error = wait_for_peer(s);
    }
    if (error) {
        return error;
    }
    take_snapshot(s, &before);
    error = fig7a_run(&s->ends[FIG7A_LEFT].vm, s->f->duration + 30, &output,
                      "iperf3 -c %s -t %u -J -w %s --connect-timeout 5000",
                      s->ends[FIG7A_RIGHT].vm_ip, s->f->duration,
                      s->f->window);
    take_snapshot(s, &after);
    if (!error) {
        error = parse_iperf(output, row);
        free(output);
    }
    if (!error) {
        seconds = (after.when - before.when) / 1000.0;

        /* Means over all measurements so far. */
        row->pmd_cpu = (row->pmd_cpu * n + 100 / seconds
                        * (after.cpu.pmd - before.cpu.pmd)) / (n + 1);
        row->switch_cpu = (row->switch_cpu * n + 100 / seconds
                           * (after.cpu.all - before.cpu.all)) / (n + 1);
        row->guest_cpu = (row->guest_cpu * n + 100 / seconds
                          * (after.guest_cpu - before.guest_cpu)) / (n + 1);
        SIMAP_FOR_EACH (node, &after.counters) {
            if (is_drop(node->name) && growth(&before, node)) {
                simap_increase(&row->drops, node->name,
                               growth(&before, node));
            }
        }
        free(row->checksums);
        row->checksums = describe_checksums(s, &before, &after);
    }
    simap_destroy(&before.counters);
    simap_destroy(&after.counters);
    fig7a_setup_rest(s);
    return error;
}
