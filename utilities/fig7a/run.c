/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "run": the experiment on one machine.
 *
 * The topologies take turns, so that what else the machine does strikes all of
 * them alike.  Each is set up for its first turn and stays up, at rest, until
 * its last: to boot guests takes longer than to measure.  So what the
 * measurements of a topology have in common is what a new set-up could change,
 * such as which physical memory it gets. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "command-line.h"
#include "fig7a.h"
#include "check.h"
#include "exec.h"
#include "host.h"
#include "measure.h"
#include "output.h"
#include "results.h"
#include "setup.h"
#include "openvswitch/dynamic-string.h"
#include "ovs-numa.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

/* What has to be left of the machine's memory, in MB, for a topology to stay
 * up between its turns: one takes about half of that. */
#define MIN_MEMORY 1024

/* A row of the results, and how it comes about. */
struct turn {
    struct fig7a_row *row;
    struct fig7a_setup setup;
    long long int setup_ms, measure_ms; /* What these took the last time. */
};

static void
add_note(struct fig7a_row *row, const char *note)
{
    if (!svec_contains_unsorted(&row->notes, note)) {
        svec_add(&row->notes, note);
    }
}

/* Notes what cannot be compared with the paper. */
static void
add_notes(const struct fig7a_setup *s, struct fig7a_row *row)
{
    if (s->in_uml) {
        add_note(row, "no openvswitch.ko here: each host is a User Mode Linux "
                 "guest, its VM a namespace in there");
        return;
    }
    if (s->in_tree && !s->t->vhostuser) {
        add_note(row, "for in-tree ports, the VMs have their checksum "
                 "offload switched off");
    }
    if (s->in_tree && s->t->vhostuser) {
        add_note(row, "in-tree vhost-user ports have no csum-offload "
                 "option: all their rows are alike, but for TSO");
    }
    add_note(row, (s->f->endpoint == FIG7A_UML
                   ? "the VMs are User Mode Linux instead of KVM"
                   : "the VMs are namespaces on veth devices"));
}

/* Prints what the switches of 's' have last complained about. */
static void
print_logs(const struct fig7a_setup *s)
{
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        const struct fig7a_end *end = &s->ends[i];
        char *log = end->host.dir ? fig7a_host_get_log(&end->host) : NULL;

        if (log && log[0]) {
            fig7a_end_progress();
            fprintf(stderr, "The last problems of the switch on the %s:\n"
                    "%s\n", end->name, log);
        }
        free(log);
    }
}

/* True if there is memory for one topology more. */
static bool
has_memory(void)
{
    unsigned long long int kB = ULLONG_MAX;
    FILE *stream = fopen("/proc/meminfo", "r");
    char line[128];

    while (stream && fgets(line, sizeof line, stream)) {
        sscanf(line, "MemAvailable: %llu", &kB);
    }
    if (stream) {
        fclose(stream);
    }
    return kB / 1024 >= MIN_MEMORY;
}

/* Measures 'turn' once more, after it was set up, if it is not up.  It stays
 * up, if 'again'. */
static void
take_turn(struct turn *turn, const struct fig7a *f, const char *uml_guest,
          bool again)
{
    struct fig7a_setup *s = &turn->setup;
    struct fig7a_row *row = turn->row;
    long long int start = time_msec(), now;

    if (!s->up) {
        row->error = fig7a_setup_up(s, f, row->topology, row->in_tree,
                                    uml_guest);
        now = time_msec();
        turn->setup_ms = now - start;
        start = now;
    }
    if (!row->error) {
        row->error = fig7a_measure(s, row);
        turn->measure_ms = time_msec() - start;
    }
    if (!row->error) {
        add_notes(s, row);
    } else if (!fig7a_interrupted()) {
        print_logs(s);
    }
    if (row->error || !again || !has_memory()) {
        fig7a_setup_down(s);
    }
}

static void
describe_machine(struct fig7a_results *results, const struct fig7a *f)
{
    struct utsname uts;
    time_t now = time(NULL);
    char date[32];

    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    uname(&uts);
    free(results->date);
    free(results->kernel);
    free(results->ovs_version);
    free(results->endpoint);
    free(results->pipeline);
    results->date = xstrdup(date);
    results->kernel = xstrdup(uts.release);
    results->ovs_version = xstrdup(OVS_PACKAGE_VERSION);
    results->endpoint = xstrdup(f->endpoint == FIG7A_UML ? "uml" : "veth");
    results->pipeline = xstrdup(f->pipeline == FIG7A_NSX ? "nsx" : "forward");
    results->n_cpus = MAX(1, count_cpu_cores());
    results->duration = f->duration;
}

/* Adds the rows that the arguments of 'ctx' ask for. */
static void
add_rows(struct fig7a_results *results, const struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    bool all = ctx->argc < 2;

    for (int i = 1; i < ctx->argc; i++) {
        if (!strcmp(ctx->argv[i], "all")) {
            all = true;
        } else {
            fig7a_find_topology(ctx->argv[i]);
        }
    }
    for (size_t j = 0; j < fig7a_n_topologies; j++) {
        const struct fig7a_topology *t = &fig7a_topologies[j];
        bool wanted = all;

        for (int i = 1; i < ctx->argc; i++) {
            wanted |= !strcmp(ctx->argv[i], t->id);
        }
        if (wanted) {
            fig7a_results_add(results, t);
            if (f->in_tree && t->in_tree_type) {
                fig7a_results_add(results, t)->in_tree = true;
            }
        }
    }
}

/* Opens the file 'name' for write_results(), while its name means the same to
 * us as to the user.  What is in there stays until then.  Ends the process if
 * it cannot be written. */
static FILE *
open_results(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    FILE *stream = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!stream) {
        ovs_fatal(errno, "%s: cannot write", name);
    }
    return stream;
}

/* Replaces what is in 'stream' by 'results' as JSON, and closes it.  Returns 0
 * or a positive errno value. */
static int
write_results(const struct fig7a_results *results, FILE *stream)
{
    /* EINVAL: it is no regular file. */
    int error = (ftruncate(fileno(stream), 0) && errno != EINVAL ? errno
                 : fig7a_put_json(fig7a_results_to_json(results), stream));

    if (fclose(stream) && !error) {
        error = errno;
    }
    return error;
}

/* True if 'turn' can be taken once more within the budget, of which 'left' ms
 * are left, if it takes as long as the last time. */
static bool
fits(const struct turn *turn, long long int left)
{
    return turn->measure_ms + (turn->setup.up ? 0 : turn->setup_ms) <= left;
}

/* Has each row of 'results' measured f->repeat times, or fewer times if there
 * is a budget, but at least once.  Prints each to 'stream' as soon as it has a
 * figure.  Returns false if one of them failed, other than with OVS's own
 * types. */
static bool
run_all(const struct fig7a *f, const char *uml_guest,
        struct fig7a_results *results, FILE *stream)
{
    long long int end = (f->budget == FIG7A_NO_BUDGET ? LLONG_MAX
                         : time_msec() + f->budget * 1000LL);
    struct turn *turns = xcalloc(results->n_rows, sizeof *turns);
    bool good = true, in_time = true;

    for (size_t j = 0; j < results->n_rows; j++) {
        turns[j].row = &results->rows[j];
    }
    for (unsigned int i = 0; i < f->repeat && in_time; i++) {
        for (size_t j = 0; j < results->n_rows && !fig7a_interrupted(); j++) {
            struct turn *turn = &turns[j];
            struct fig7a_row *row = turn->row;

            if (row->error) {
                continue;
            }
            in_time = !i || fits(turn, end - time_msec());
            if (!in_time) {
                break;
            }
            fig7a_progress("%s%s %u/%u", row->topology->id,
                           row->in_tree ? " (in-tree)" : "", i + 1, f->repeat);
            take_turn(turn, f, uml_guest, i + 1 < f->repeat);
            good &= !row->error || row->in_tree;
            if (!fig7a_interrupted() && (!i || row->error)) {
                fig7a_end_progress();
                fig7a_results_print_row(results, row, stream);
            }
        }
    }
    fig7a_end_progress();
    /* Those that are still up end with the sandbox. */
    free(turns);
    return good;
}

/* Prints to 'stream' what was not measured for want of time. */
static void
print_cut(const struct fig7a *f, const struct fig7a_results *results,
          FILE *stream)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < results->n_rows; i++) {
        const struct fig7a_row *row = &results->rows[i];

        if (!row->error && row->n_gbps < f->repeat) {
            ds_put_format(&s, "%s%s%s %"PRIuSIZE" of %u times",
                          s.length ? ", " : "measured ", row->topology->id,
                          row->in_tree ? " (in-tree)" : "", row->n_gbps,
                          f->repeat);
        }
    }
    if (s.length) {
        char *head = xasprintf("Cut, to end within %u s: ", f->budget);

        ds_put_char(&s, '.');
        fig7a_print_text(stream, head, ds_cstr(&s));
        free(head);
    }
    ds_destroy(&s);
}

/* "run [TOPOLOGY...|all]". */
void
fig7a_cmd_run(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    FILE *stream = f->json ? stderr : stdout;
    struct fig7a_results results;
    char *problem, *uml_guest;
    FILE *output = NULL;
    int error = 0;
    bool good;

    fig7a_results_init(&results);
    add_rows(&results, ctx);
    problem = fig7a_check_run(f);
    if (problem) {
        ovs_fatal(0, "%s", problem);
    }
    uml_guest = fig7a_find_program("uml-guest");
    if (!uml_guest) {
        ovs_fatal(0, "uml-guest, which is part of this program, is not where "
                  "it should be; install ovs-datapath-plugins again");
    }
    describe_machine(&results, f);
    if (f->dry_run) {
        printf("%"PRIuSIZE" topolog%s, %u times %u seconds each",
               results.n_rows, results.n_rows == 1 ? "y" : "ies", f->repeat,
               f->duration);
        if (f->budget != FIG7A_NO_BUDGET) {
            printf(", or fewer times, to end within %u seconds", f->budget);
        }
        putchar('\n');
        return;
    }

    if (f->output) {
        /* The sandbox has a /run of its own, and what has taken minutes should
         * not be lost for a file that cannot be written. */
        output = open_results(f->output);
    }
    fig7a_enter_sandbox();
    fig7a_interrupted();
    good = run_all(f, uml_guest, &results, stream);
    if (fig7a_interrupted()) {
        ovs_fatal(0, "interrupted; all is as it was");
    }

    if (output) {
        error = write_results(&results, output);
    }
    if (f->json) {
        fig7a_put_json(fig7a_results_to_json(&results), stdout);
    } else {
        putchar('\n');
        fig7a_results_print(&results, stdout);
    }
    print_cut(f, &results, stream);
    fig7a_results_destroy(&results);
    free(uml_guest);
    if (error) {
        fflush(stdout);
        ovs_fatal(error, "%s: cannot write", f->output);
    }
    if (!good) {
        exit(EXIT_FAILURE);
    }
}
