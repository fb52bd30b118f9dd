/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The figure: a group of bars for each topology, drawn by gnuplot.  It has two
 * panels, one below the other: throughput, and that divided by its own
 * kernel-tap, which is what can be compared with the paper. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-line.h"
#include "fatal-signal.h"
#include "exec.h"
#include "output.h"
#include "results.h"
#include "fig7a.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "process.h"
#include "util.h"

/* The bars of a group, from left to right. */
enum series {
    S_PAPER,
    S_OURS,
    S_IN_TREE,
    N_SERIES
};

/* Colours that also those can tell apart who do not see some, and that differ
 * on grey paper, too. */
static const struct {
    const char *color;
    const char *label;
} series_styles[N_SERIES] = {
    [S_PAPER] = { "#c8c8c8", "the paper" },
    [S_OURS] = { "#0072b2", "here" },
    [S_IN_TREE] = { "#e69f00", "here, in-tree types" },
};

/* Width of a bar, where groups are 1 apart. */
#define BAR_WIDTH 0.27

/* Where things are, from top to bottom: the height of each, and the width of
 * all, in pixels of an SVG. */
#define WIDTH 1000
#define HEAD 85                 /* The title and what the colours mean. */
#define SUBTITLE 45             /* The title of another panel. */
#define PANEL 270
#define GROUPS 60               /* What the groups are. */
#define CAPTION 90

/* How a file type is made. */
static const struct plot_format {
    const char *extension;
    const char *terminal;
    double scale;               /* Its pixels in one of an SVG. */
    double font_size;           /* Of most of the text, in its own units. */
    const char *options;
} plot_formats[] = {
    { ".svg", "svg", 1, 13, "dynamic" },
    { ".png", "pngcairo", 1.5, 10, "fontscale 1.35 linewidth 1.5" },
};

/* A bar, in Gbps or as a ratio. */
struct bar {
    double x;
    double value, min, max;
};

/* What a panel shows. */
struct figure {
    const struct fig7a_results *results;
    const struct fig7a_topology **groups;   /* From left to right. */
    size_t n_groups;
    bool in_tree;               /* A third bar in each group. */
    const struct fig7a_topology *base;      /* Of ratios, null: no ratios. */
    double top;                 /* Of the Y axis. */
    double y;                   /* Its bottom, in pixels from that of all. */
    double height;              /* Of all, in pixels. */
    double font_size;           /* Of most of the text. */
};

/* The row of 't' in 'r', null if there is none.  One with a figure comes
 * first. */
static const struct fig7a_row *
find_row(const struct fig7a_results *r, const struct fig7a_topology *t,
         bool in_tree)
{
    const struct fig7a_row *found = NULL;

    for (size_t i = 0; i < r->n_rows; i++) {
        const struct fig7a_row *row = &r->rows[i];

        if (row->topology == t && row->in_tree == in_tree) {
            if (row->n_gbps && !row->error) {
                return row;
            }
            found = row;
        }
    }
    return found;
}

/* What ratios are to: the first topology, or if it was not measured here, the
 * first that was and that the paper has. */
static const struct fig7a_topology *
get_base(const struct fig7a_results *r)
{
    for (size_t i = 0; i < fig7a_n_topologies; i++) {
        const struct fig7a_topology *t = &fig7a_topologies[i];
        const struct fig7a_row *row = find_row(r, t, false);

        if (t->paper_gbps && row && fig7a_row_is_measured(row)
            && fig7a_row_median(row) > 0) {
            return t;
        }
    }
    return &fig7a_topologies[0];
}

/* What a bar of 'series' in 'f' is divided by. */
static double
get_divisor(const struct figure *f, enum series series)
{
    return (!f->base ? 1
            : series == S_PAPER ? f->base->paper_gbps
            : fig7a_row_median(find_row(f->results, f->base, false)));
}

/* Stores in '*bar' the bar of 'series' in group 'i'.  Returns false if there
 * is no figure for it. */
static bool
get_bar(const struct figure *f, size_t i, enum series series, struct bar *bar)
{
    double first = f->in_tree ? -1 : -0.5;
    double divisor;

    bar->x = i + (first + series) * BAR_WIDTH;
    if (series == S_PAPER) {
        bar->value = bar->min = bar->max = f->groups[i]->paper_gbps;
        if (!bar->value) {
            return false;
        }
    } else {
        const struct fig7a_row *row = find_row(f->results, f->groups[i],
                                               series == S_IN_TREE);
        const struct fig7a_row *base = (f->base
                                        ? find_row(f->results, f->base, false)
                                        : row);

        if (!row || !fig7a_row_is_measured(row)
            || !base || !fig7a_row_is_measured(base)) {
            return false;
        }
        bar->value = fig7a_row_median(row);
        fig7a_row_range(row, &bar->min, &bar->max);
    }
    divisor = get_divisor(f, series);
    bar->value /= divisor;
    bar->min /= divisor;
    bar->max /= divisor;
    return true;
}

/* Initializes 'f' for a panel with 'r', if 'base' as ratios to that, at 'y' in
 * a figure of 'height' in 'format'. */
static void
figure_init(struct figure *f, const struct fig7a_results *r,
            const struct fig7a_topology *base,
            const struct plot_format *format, double y, double height)
{
    double highest = 1;

    *f = (struct figure) {
        .results = r,
        .groups = xcalloc(fig7a_n_topologies, sizeof *f->groups),
        .base = base,
        .y = y,
        .height = height,
        .font_size = format->font_size,
    };
    for (size_t i = 0; i < r->n_rows; i++) {
        f->in_tree |= r->rows[i].in_tree;
    }
    for (size_t i = 0; i < fig7a_n_topologies; i++) {
        const struct fig7a_topology *t = &fig7a_topologies[i];

        /* What the paper does not have is drawn if we have it. */
        if (t->paper_gbps || find_row(r, t, false) || find_row(r, t, true)) {
            f->groups[f->n_groups++] = t;
        }
    }
    for (size_t i = 0; i < f->n_groups; i++) {
        for (enum series s = 0; s < N_SERIES; s++) {
            struct bar bar;

            if (get_bar(f, i, s, &bar)) {
                highest = MAX(highest, bar.max);
            }
        }
    }
    f->top = highest * 1.15;
}

static void
figure_destroy(struct figure *f)
{
    free(f->groups);
}

/* Adds the 'n' bytes of 's' as a string of gnuplot in which nothing has a
 * meaning. */
static void
put_string(struct ds *ds, const char *s, size_t n)
{
    ds_put_char(ds, '\'');
    for (; n > 0; s++, n--) {
        if (*s == '\'') {
            ds_put_char(ds, '\'');
        }
        ds_put_char(ds, *s);
    }
    ds_put_char(ds, '\'');
}

/* Adds 's' at the place 'x', 'y', with more 'options'. */
static void
put_label(struct ds *ds, const char *s, size_t n, const char *options,
          const char *format, ...) OVS_PRINTF_FORMAT(5, 6);
static void
put_label(struct ds *ds, const char *s, size_t n, const char *options,
          const char *format, ...)
{
    va_list args;

    ds_put_cstr(ds, "set label ");
    put_string(ds, s, n);
    ds_put_cstr(ds, " at ");
    va_start(args, format);
    ds_put_format_valist(ds, format, args);
    va_end(args);
    ds_put_format(ds, " %s\n", options);
}

/* Adds 's' at 'x', of the width, and 'y', in pixels from the bottom of all,
 * with more 'options'. */
static void
put_text(struct ds *ds, const struct figure *f, const char *s, double x,
         double y, const char *options)
{
    put_label(ds, s, strlen(s), options, "screen %.3f, screen %.4f", x,
              y / f->height);
}

/* What is written below group 'i': its heading, on two lines. */
static void
put_group_label(struct ds *ds, const struct figure *f, size_t i)
{
    const char *heading = f->groups[i]->heading;
    const char *second = strchr(heading, '(');
    size_t n = second ? second - heading - 1 : strlen(heading);
    char *options = xasprintf("center font ',%.1f'", 0.92 * f->font_size);

    put_label(ds, heading, n, options, "first %"PRIuSIZE", screen %.4f", i,
              (f->y - 18) / f->height);
    if (second) {
        put_label(ds, second, strlen(second), options,
                  "first %"PRIuSIZE", screen %.4f", i,
                  (f->y - 36) / f->height);
    }
    free(options);
}

/* Writes above the bar what it is, or why there is none. */
static void
put_bar_label(struct ds *ds, const struct figure *f, size_t i, enum series s)
{
    const char *missing;
    struct bar bar;
    char *options;

    if (get_bar(f, i, s, &bar)) {
        char *value = xasprintf(s == S_PAPER && !f->base ? "%.1f" : "%.2f",
                                bar.value);

        put_label(ds, value, strlen(value), "center",
                  "%.3f, %.4f", bar.x, bar.max + f->top * 0.04);
        free(value);
        return;
    }
    if (s == S_PAPER) {
        missing = "not in the paper's figure";
    } else if (find_row(f->results, f->groups[i], s == S_IN_TREE)
               && !fig7a_row_is_measured(find_row(f->results, f->groups[i],
                                                  s == S_IN_TREE))) {
        missing = "failed";
    } else if (s == S_OURS) {
        missing = "not measured";
    } else {
        return;
    }
    options = xasprintf("rotate by 90 left font ',%.1f' "
                        "textcolor rgb '#606060'", 0.92 * f->font_size);
    put_label(ds, missing, strlen(missing), options, "%.3f, %.4f", bar.x,
              f->top * 0.015);
    free(options);
}

/* The lines below the figure. */
static void
put_caption(struct ds *ds, const struct figure *f)
{
    const struct fig7a_results *r = f->results;
    bool uml = !strcmp(r->endpoint, "uml");
    char *lines[3];

    lines[0] = xasprintf("Here, %s: one machine with %u CPU%s for both hosts, "
                         "Linux %s, Open vSwitch %s,", r->date, r->n_cpus,
                         r->n_cpus == 1 ? "" : "s", r->kernel, r->ovs_version);
    lines[1] = xasprintf("%s, %s rules; medians of measurements of %u s, with "
                         "whiskers from the least to the greatest.",
                         uml ? "User Mode Linux guests"
                         : "namespaces as guests",
                         !strcmp(r->pipeline, "nsx") ? "NSX-like"
                         : "two forwarding", r->duration);
    lines[2] = xstrdup("The paper (SIGCOMM 2021): two hosts with Xeon E5-2440 "
                       "v2, Linux 5.3 and a 10 Gbps link, KVM guests, NSX's "
                       "103,302 rules.");
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        put_text(ds, f, lines[i], 0.025, CAPTION - 20 - 24.0 * i,
                 "left textcolor rgb '#404040'");
        free(lines[i]);
    }
}

/* Adds the data of series 's' as "$s0" and so on, or, of ratios, "$r0".
 * Returns how many bars it has. */
static size_t
put_data(struct ds *ds, const struct figure *f, enum series s)
{
    size_t n = 0;

    ds_put_format(ds, "$%c%d << END\n", f->base ? 'r' : 's', s);
    for (size_t i = 0; i < f->n_groups; i++) {
        struct bar bar;

        if (get_bar(f, i, s, &bar)) {
            ds_put_format(ds, "%.3f %.4f %.4f %.4f\n", bar.x, bar.value,
                          bar.min, bar.max);
            n++;
        }
    }
    ds_put_cstr(ds, "END\n");
    return n;
}

/* Adds the command that draws the bars of 'f'. */
static void
put_plot(struct ds *ds, const struct figure *f)
{
    struct ds plots = DS_EMPTY_INITIALIZER;
    char prefix = f->base ? 'r' : 's';

    for (enum series s = 0; s < N_SERIES; s++) {
        if (put_data(ds, f, s)) {
            ds_put_format(&plots, "%s$%c%d using 1:2 with boxes "
                          "linecolor rgb '%s' title '%s'",
                          plots.length ? ", \\\n     " : "", prefix, s,
                          series_styles[s].color, series_styles[s].label);
            if (s != S_PAPER) {
                ds_put_format(&plots, ", \\\n     $%c%d "
                              "using 1:3:(0):($4-$3) with vectors heads "
                              "size graph 0.006,90 "
                              "linecolor rgb '#000000' notitle", prefix, s);
            }
        }
    }
    ds_put_format(ds, "plot %s\n", ds_cstr(&plots));
    ds_destroy(&plots);
}

/* Returns the title of a panel of ratios to 'base', for the caller to free. */
static char *
get_ratio_title(const struct fig7a_results *r,
                const struct fig7a_topology *base)
{
    const struct fig7a_topology *first = &fig7a_topologies[0];
    const struct fig7a_row *row = find_row(r, first, false);

    return (base == first && row && fig7a_row_is_measured(row)
            ? xasprintf("Each divided by its own %s", first->id)
            : xasprintf("%s was not measured here: each divided by its own %s",
                        first->id, base->id));
}

/* Adds the panel 'f'.  The first one says what the colours mean, the last one
 * has the caption. */
static void
put_panel(struct ds *ds, const struct figure *f, bool first, bool last)
{
    double top = f->y + PANEL;

    ds_put_format(ds,
        "unset label\n"
        "set xrange [-0.6:%.1f]\n"
        "set yrange [0:%.4f]\n"
        "set tmargin at screen %.4f\n"
        "set bmargin at screen %.4f\n",
        f->n_groups - 0.4, f->top, top / f->height, f->y / f->height);
    put_text(ds, f, f->base ? "ratio" : "throughput, Gbps", 0.015,
             f->y + PANEL / 2.0, "center rotate by 90");
    if (first) {
        char *options = xasprintf("center font ',%.1f'", 1.15 * f->font_size);

        put_text(ds, f, "Figure 7(a), VM to VM across hosts: one TCP flow "
                 "through Geneve", 0.5, f->height - 25, options);
        free(options);
        ds_put_format(ds, "set key at screen 0.5, screen %.4f center center "
                      "horizontal maxrows 1 width 2 Left reverse\n",
                      (f->height - 52) / f->height);
    } else {
        ds_put_cstr(ds, "unset key\n");
    }
    if (f->base) {
        char *title = get_ratio_title(f->results, f->base);

        put_text(ds, f, title, 0.5, top + 12, "center");
        free(title);
    }
    for (size_t i = 0; i < f->n_groups; i++) {
        put_group_label(ds, f, i);
        for (enum series s = 0; s < (f->in_tree ? N_SERIES : S_IN_TREE); s++) {
            put_bar_label(ds, f, i, s);
        }
    }
    if (last) {
        put_caption(ds, f);
    }
    put_plot(ds, f);
}

/* Returns gnuplot's commands for a figure of 'r' in the file 'name', of ratios
 * alone if 'normalize', for the caller to free. */
static char *
make_script(const struct fig7a_results *r, const struct plot_format *format,
            const char *name, bool normalize)
{
    double height = (HEAD + PANEL + GROUPS + CAPTION
                     + (normalize ? 0 : SUBTITLE + PANEL + GROUPS));
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct figure f;

    ds_put_format(&ds, "set encoding utf8\n"
                  "set terminal %s size %.0f,%.0f %s font 'sans-serif,%.0f' "
                  "noenhanced background '#ffffff'\nset output ",
                  format->terminal, WIDTH * format->scale,
                  height * format->scale, format->options, format->font_size);
    put_string(&ds, name, strlen(name));
    ds_put_format(&ds, "\n"
        "set border 3\n"
        "set grid ytics linecolor rgb '#e0e0e0' linetype 1\n"
        "set ytics nomirror\n"
        "unset xtics\n"
        "set lmargin at screen 0.06\n"
        "set rmargin at screen 0.985\n"
        "set style fill solid 1\n"
        "set boxwidth %.2f\n"
        "set multiplot\n", BAR_WIDTH * 0.92);
    if (!normalize) {
        figure_init(&f, r, NULL, format, height - HEAD - PANEL, height);
        put_panel(&ds, &f, true, false);
        figure_destroy(&f);
    }
    figure_init(&f, r, get_base(r), format, CAPTION + GROUPS, height);
    put_panel(&ds, &f, normalize, true);
    figure_destroy(&f);
    ds_put_cstr(&ds, "unset multiplot\n");
    return ds_steal_cstr(&ds);
}

/* The format of 'file_name', null if there is none. */
static const struct plot_format *
find_format(const char *file_name)
{
    size_t n = strlen(file_name);

    for (size_t i = 0; i < ARRAY_SIZE(plot_formats); i++) {
        const char *extension = plot_formats[i].extension;
        size_t length = strlen(extension);

        if (n > length && file_name[n - length - 1] != '/'
            && !strcmp(file_name + n - length, extension)) {
            return &plot_formats[i];
        }
    }
    return NULL;
}

static char *
bad_name(const char *file_name)
{
    return xasprintf("--output=%s: the name does not end in .svg or .png",
                     file_name);
}

/* Runs gnuplot for the figure.  Returns null, or what is wrong, for the caller
 * to free. */
static char *
run_gnuplot(const char *script)
{
    const struct fig7a_exec how = { .input = script, .timeout = 60 };
    char *output, *error = NULL;
    int status;

    status = fig7a_execl(&how, &output, "gnuplot", "--default-settings",
                         NULL);
    if (status) {
        /* One line. */
        for (char *p = output; *p; p++) {
            *p = *p == '\n' ? ' ' : *p;
        }
        error = xasprintf("gnuplot failed: %s", output);
    }
    free(output);
    return error;
}

/* Draws 'r', if 'normalize' as ratios alone, and stores the figure as
 * 'file_name', which ends in ".svg" or ".png".  Returns null, or what is
 * wrong, for the caller to free; then the file is as it was. */
char *
fig7a_plot(const struct fig7a_results *r, const char *file_name,
           bool normalize)
{
    const struct plot_format *format = find_format(file_name);
    char *gnuplot, *tmp, *script, *error;
    mode_t mask;
    int fd;

    if (!format) {
        return bad_name(file_name);
    }
    gnuplot = process_search_path("gnuplot");
    if (!gnuplot) {
        return xstrdup("gnuplot is not installed; on Debian: apt-get install "
                       "gnuplot-nox");
    }
    free(gnuplot);

    tmp = xasprintf("%s.XXXXXX", file_name);
    fd = mkstemp(tmp);
    if (fd < 0) {
        error = xasprintf("%s: cannot be written: %s", file_name,
                          ovs_strerror(errno));
        free(tmp);
        return error;
    }
    fatal_signal_add_file_to_unlink(tmp);
    mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    close(fd);

    script = make_script(r, format, tmp, normalize);
    error = run_gnuplot(script);
    free(script);
    if (!error && rename(tmp, file_name)) {
        error = xasprintf("%s: cannot be written: %s", file_name,
                          ovs_strerror(errno));
    }
    if (error) {
        unlink(tmp);
    }
    fatal_signal_remove_file_to_unlink(tmp);
    free(tmp);
    return error;
}

/* Prints how fig7a_plot() would do it.  Returns as that. */
static char *
print_script(const struct fig7a_results *r, const char *file_name,
             bool normalize)
{
    const struct plot_format *format = find_format(file_name);
    char *script;

    if (!format) {
        return bad_name(file_name);
    }
    script = make_script(r, format, file_name, normalize);
    printf("gnuplot --default-settings << 'EOF'\n%sEOF\n", script);
    free(script);
    return NULL;
}

/* Reads 'file_name' into 'r'.  Ends the process if it cannot. */
static void
read_results(struct fig7a_results *r, const char *file_name)
{
    FILE *stream = fopen(file_name, "r");
    struct json *json;
    char *error;

    if (!stream) {
        ovs_fatal(errno, "%s", file_name);
    }
    json = json_from_stream(stream);
    fclose(stream);
    if (json->type == JSON_STRING) {
        ovs_fatal(0, "%s: not JSON: %s", file_name, json_string(json));
    }
    error = fig7a_results_from_json(r, json);
    if (error) {
        ovs_fatal(0, "%s: not results of \"run --format=json\": %s",
                  file_name, error);
    }
    json_destroy(json);
}

/* Draws the figure, and prints the results as "run" does. */
void
fig7a_cmd_plot(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    const char *output = f->output ? f->output : "fig7a.svg";
    struct fig7a_results r;
    char *error;

    read_results(&r, ctx->argv[1]);
    error = (f->dry_run ? print_script(&r, output, f->normalize)
             : fig7a_plot(&r, output, f->normalize));
    if (error) {
        ovs_fatal(0, "%s", error);
    }
    if (!f->dry_run && f->json) {
        fig7a_put_json(fig7a_results_to_json(&r), stdout);
    } else if (!f->dry_run) {
        fig7a_results_print(&r, stdout);
        printf("\n%s\n", output);
    }
    fig7a_results_destroy(&r);
}
