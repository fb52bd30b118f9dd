/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "show", "up" and "down": a topology on the machine's own switch.
 *
 * What "up" has done is in a file, so that "down" can undo it, even after
 * "up" was killed.  The line that undoes a step is written before the step is
 * done:
 *
 *     up TOPOLOGY OPTION...
 *     undo COMMAND...
 *     done                    all steps were done
 */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-line.h"
#include "dirs.h"
#include "fig7a.h"
#include "check.h"
#include "exec.h"
#include "topology.h"
#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

/* Longer than any step takes, in seconds: a daemon that does not answer is not
 * waited for. */
#define TIMEOUT 120

/* What is shown of rules that are read from standard input. */
#define MAX_SHOWN_FLOWS 10

/* What 'f' says of the place.  'buf' is for the local address.  If 'example',
 * what is not said is made up. */
static struct fig7a_place
get_place(const struct fig7a_topology *t, const struct fig7a *f, bool example,
          char buf[64])
{
    struct fig7a_place place = {
        .nic = f->nic,
        .peer_nic = f->peer_nic,
        .local_ip = f->local_ip,
        .remote_ip = f->remote_ip,
        .vm = f->vm,
        .pipeline = f->pipeline,
        .rules = f->rules,
    };

    if (example) {
        /* With a second NIC, traffic is to be looped. */
        if (!place.nic) {
            place.nic = "enp2s0f0";
        }
        if (!place.remote_ip && !place.peer_nic) {
            place.remote_ip = "192.168.0.2";
        }
        if (place.remote_ip) {
            place.local_ip = place.local_ip ? place.local_ip : "192.168.0.1";
            if (!place.vm) {
                place.vm = t->vhostuser ? "/run/vm/vhost.sock" : "tap0";
            }
        }
    }
    if (place.local_ip) {
        snprintf(buf, 64, "%s%s", place.local_ip,
                 strchr(place.local_ip, '/') ? "" : "/24");
        place.local_ip = buf;
    }
    return place;
}

static void
print_box(const char *what, const char *left, const char *right)
{
    printf("  | %-28s |%s| %-28s |\n", what, left, right);
}

/* Draws what 't' is in 'place'. */
static void
draw(const struct fig7a_topology *t, const struct fig7a_place *place)
{
    const char *type = t->nic_type ? t->nic_type : "kernel";
    const char *vm_type = t->vhostuser ? "vhostuserclient" : "tap";
    const char *vm_name = t->vhostuser ? FIG7A_VM : place->vm;
    char *vm = xasprintf("%s (%s)", vm_name ? vm_name : "", vm_type);
    char *nic = xasprintf("%s (%s)", place->nic, type);
    static const char line[] = "+------------------------------+";

    if (place->remote_ip) {
        printf("  %-32s        %s\n", "this host", "other host");
        printf("  %s        %s\n", line, line);
        print_box("VM", "        ", "VM");
        print_box(vm, "        ", vm);
        print_box("[ " FIG7A_BRIDGE " ]", "        ", "[ " FIG7A_BRIDGE " ]");
        print_box(FIG7A_TUNNEL " (geneve)", " tunnel ",
                  FIG7A_TUNNEL " (geneve)");
        print_box(place->local_ip, "- - - - ", place->remote_ip);
        print_box("[ " FIG7A_PHY_BRIDGE " ]", "        ",
                  "[ " FIG7A_PHY_BRIDGE " ]");
        print_box(nic, "--wire--", "");
        printf("  %s        %s\n", line, line);
    } else {
        printf("  %-32s\n  %s\n", "this host", line);
        if (place->vm) {
            printf("  | %-28s |\n  | %-28s |\n", "VM", vm);
        }
        printf("  | %-28s |\n", "[ " FIG7A_BRIDGE " ]");
        printf("  | %-28s |<--> generator\n", nic);
        if (place->peer_nic) {
            char *peer = xasprintf("%s (%s)", place->peer_nic, type);

            printf("  | %-28s |<--> generator\n", peer);
            free(peer);
        }
        printf("  %s\n", line);
    }
    free(nic);
    free(vm);
}

/* Prints 'step' so that a shell would do the same.  Prints no more than 'max'
 * lines of its input. */
static void
print_step(const struct fig7a_step *step, const char *prompt, int max)
{
    char *command = fig7a_shell_quote(&step->argv);

    if (!step->input) {
        printf("%s%s\n", prompt, command);
    } else {
        const char *p = step->input;
        int n = 0;

        printf("%s%s <<'END'\n", prompt, command);
        while (*p && n++ < max) {
            size_t length = strcspn(p, "\n");

            printf("%.*s\n", (int) length, p);
            p += length + (p[length] == '\n');
        }
        if (*p) {
            for (n = 0; *p; p++) {
                n += *p == '\n';
            }
            printf("# ...and %d more\n", n);
        }
        printf("END\n");
    }
    free(command);
}

/* "show TOPOLOGY". */
void
fig7a_cmd_show(struct ovs_cmdl_context *ctx)
{
    const struct fig7a_topology *t = fig7a_find_topology(ctx->argv[1]);
    const struct fig7a *f = ctx->pvt;
    struct fig7a_steps steps;
    char buf[64];
    struct fig7a_place place = get_place(t, f, true, buf);

    fig7a_steps_init(&steps, t, &place);
    printf("%s: %s\n\n", t->id, t->heading);
    draw(t, &place);
    if (!t->nic_type) {
        printf("\n# The kernel's datapath.\nmodprobe openvswitch\n");
    } else if (t->tso) {
        printf("\n# Segmentation offload is for the whole switch, from its "
               "start on.\n"
               "ovs-vsctl set Open_vSwitch . "
               "other_config:userspace-tso-enable=true\n"
               "systemctl restart openvswitch-switch\n");
    }
    for (size_t i = 0; i < steps.n; i++) {
        if (steps.steps[i].why) {
            printf("\n# %s\n", steps.steps[i].why);
        }
        print_step(&steps.steps[i], "", INT_MAX);
    }
    printf("\n# To undo it:\n");
    for (size_t i = steps.n; i-- > 0; ) {
        if (steps.steps[i].undo.n) {
            char *command = fig7a_shell_quote(&steps.steps[i].undo);

            printf("%s\n", command);
            free(command);
        }
    }
    fig7a_steps_destroy(&steps);
}

static char *
state_file(void)
{
    return xasprintf("%s/ovs-fig7a.state", ovs_rundir());
}

/* What "up" was asked for: 't' and the options of 'f', in one line. */
static char *
describe(const struct fig7a_topology *t, const struct fig7a *f)
{
    const struct {
        const char *name;
        const char *value;
    } options[] = {
        { "nic", f->nic },
        { "peer-nic", f->peer_nic },
        { "local-ip", f->local_ip },
        { "remote-ip", f->remote_ip },
        { "vm", f->vm },
        { "pipeline", f->pipeline == FIG7A_NSX ? "nsx" : NULL },
    };
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, t->id);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].value) {
            ds_put_format(&s, " --%s=%s", options[i].name, options[i].value);
        }
    }
    if (f->pipeline == FIG7A_NSX) {
        ds_put_format(&s, " --rules=%u", f->rules);
    }
    return ds_steal_cstr(&s);
}

/* What is in the file. */
struct state {
    char *name;                 /* Of the file. */
    FILE *stream;               /* Open and locked, or null. */
    char *up;                   /* What "up" was asked for, or null. */
    struct svec undo;           /* Commands, as a shell reads them. */
    bool done;
};

/* True if 'fd' is of the file that is called 'name' now. */
static bool
is_still(int fd, const char *name)
{
    struct stat ours, named;

    return (!fstat(fd, &ours) && !lstat(name, &named)
            && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino);
}

/* Opens the file 'name' and locks it; if 'write', for writing, and makes it if
 * there is none.  Returns a negative value if it is not there.  Ends the
 * process if another has the lock, or if it cannot be opened. */
static int
open_locked(const char *name, bool write)
{
    int flags = (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW;

    for (;;) {
        int fd = open(name, flags, 0600);

        if (fd < 0) {
            if (errno == ENOENT && !write) {
                return fd;
            }
            ovs_fatal(errno, "%s: is Open vSwitch running, and are you root?",
                      name);
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            ovs_fatal(0, "another %s is at work; wait for it to end",
                      program_name);
        }
        if (is_still(fd, name)) {
            return fd;
        }
        /* Between the two calls, who had the lock has removed the file. */
        close(fd);
    }
}

/* Reads 'state'.  If 'write', makes the file if there is none; there is a lock
 * on it until state_close().  Ends the process if another has the lock. */
static void
state_open(struct state *state, bool write)
{
    char line[4096];
    int fd;

    *state = (struct state) {
        .name = state_file(),
        .undo = SVEC_EMPTY_INITIALIZER,
    };
    fd = open_locked(state->name, write);
    if (fd < 0) {
        return;
    }

    state->stream = fdopen(fd, write ? "r+" : "r");
    while (fgets(line, sizeof line, state->stream)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strncmp(line, "up ", 3)) {
            free(state->up);
            state->up = xstrdup(line + 3);
        } else if (!strncmp(line, "undo ", 5)) {
            svec_add(&state->undo, line + 5);
        } else if (!strcmp(line, "done")) {
            state->done = true;
        }
    }
}

static void
state_close(struct state *state)
{
    if (state->stream) {
        fclose(state->stream);
    }
    svec_destroy(&state->undo);
    free(state->up);
    free(state->name);
}

/* Appends "VERB TEXT" to the file, so that it is there after a crash. */
static void
state_put(struct state *state, const char *verb, const char *text)
{
    fseek(state->stream, 0, SEEK_END);
    fprintf(state->stream, "%s%s%s\n", verb, text[0] ? " " : "", text);
    if (fflush(state->stream) || fsync(fileno(state->stream))) {
        ovs_fatal(errno, "%s: cannot write", state->name);
    }
    if (!strcmp(verb, "undo")) {
        svec_add(&state->undo, text);
    }
}

/* True if 'argv' is "ip link set DEVICE up" or "down". */
static bool
is_of_link(const struct svec *argv)
{
    return (argv->n == 5 && !strcmp(argv->names[0], "ip")
            && !strcmp(argv->names[1], "link"));
}

/* Does what is in 'state->undo', the last first, and removes the file if all
 * of it could be done.  Otherwise, prints what could not. */
static bool
undo_all(struct state *state)
{
    static const struct fig7a_exec how = { .timeout = TIMEOUT };
    bool good = true;

    for (size_t i = state->undo.n; i-- > 0; ) {
        struct svec argv = SVEC_EMPTY_INITIALIZER;
        char *output;

        svec_parse_words(&argv, state->undo.names[i]);
        if (is_of_link(&argv) && !if_nametoindex(argv.names[3])) {
            svec_destroy(&argv);
            continue;           /* The device has gone. */
        }
        if (fig7a_exec(&how, &argv, &output)) {
            ovs_error(0, "cannot undo: %s: %s", state->undo.names[i], output);
            good = false;
        }
        free(output);
        svec_destroy(&argv);
    }
    if (good) {
        unlink(state->name);
    } else {
        ovs_error(0, "when that is mended: %s down", program_name);
    }
    return good;
}

/* True if there is a device 'name', and it is down. */
static bool
is_down(const char *name)
{
    struct ifreq ifr = { .ifr_flags = 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool down;

    ovs_strlcpy(ifr.ifr_name, name, sizeof ifr.ifr_name);
    down = (fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr)
            && !(ifr.ifr_flags & IFF_UP));
    if (fd >= 0) {
        close(fd);
    }
    return down;
}

/* A device of the user's that we set up was perhaps down before.  The bridges
 * are ours, and go as a whole. */
static void
add_undo_of_link_up(struct fig7a_step *step)
{
    const struct svec *argv = &step->argv;

    if (is_of_link(argv) && !strcmp(argv->names[4], "up")
        && strncmp(argv->names[3], FIG7A_BRIDGE, strlen(FIG7A_BRIDGE))
        && is_down(argv->names[3])) {
        svec_append(&step->undo, argv);
        free(step->undo.names[4]);
        step->undo.names[4] = xstrdup("down");
    }
}

/* Does one step.  Returns null, or what went wrong, for the caller to
 * free. */
static char *
do_step(struct state *state, struct fig7a_step *step)
{
    const struct fig7a_exec how = { .input = step->input, .timeout = TIMEOUT };
    char *command, *output, *error = NULL;

    add_undo_of_link_up(step);
    if (step->undo.n) {
        command = fig7a_shell_quote(&step->undo);
        state_put(state, "undo", command);
        free(command);
    }
    if (fig7a_exec(&how, &step->argv, &output)) {
        command = fig7a_shell_quote(&step->argv);
        error = xasprintf("%s: %s", command, output);
        free(command);
    }
    free(output);
    return error;
}

/* Returns what the switch says is wrong with one of the ports of 'place', for
 * the caller to free, or null. */
static char *
get_port_error(const struct fig7a_topology *t,
               const struct fig7a_place *place)
{
    static const struct fig7a_exec how = { .timeout = TIMEOUT };
    const char *ports[] = {
        place->nic, place->peer_nic, t->vhostuser ? FIG7A_VM : place->vm,
        place->remote_ip ? FIG7A_TUNNEL : NULL
    };

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        char *error;

        if (!ports[i] || (!place->vm && i == 2)) {
            continue;
        }
        if (fig7a_execl(&how, &error, "ovs-vsctl", "--timeout=10", "get",
                        "interface", ports[i], "error", NULL)
            || strcmp(error, "[]")) {
            char *text = xasprintf("port %s: %s", ports[i], error);

            free(error);
            return text;
        }
        free(error);
    }
    return NULL;
}

/* True if the other end of the tunnel answers at once, or within 'wait'
 * seconds, if not interrupted. */
static bool
remote_answers(const struct fig7a_place *place, unsigned int wait)
{
    long long int deadline = time_msec() + wait * 1000LL;

    for (;;) {
        char *output;
        bool answers = !fig7a_execl(NULL, &output, "ping", "-q", "-c", "1",
                                    "-W", "1", place->remote_ip, NULL);

        free(output);
        if (answers || fig7a_interrupted() || time_msec() >= deadline) {
            return answers;
        }
        xnanosleep(100 * 1000 * 1000);      /* "Unreachable" comes at once. */
    }
}

/* "up TOPOLOGY". */
void
fig7a_cmd_up(struct ovs_cmdl_context *ctx)
{
    const struct fig7a_topology *t = fig7a_find_topology(ctx->argv[1]);
    const struct fig7a *f = ctx->pvt;
    struct fig7a_steps steps;
    char *what, *error;
    struct state state;
    char buf[64];
    struct fig7a_place place = get_place(t, f, false, buf);

    if (f->dry_run) {
        error = fig7a_check_up(t, f);
        if (error) {
            ovs_fatal(0, "%s", error);
        }
        fig7a_steps_init(&steps, t, &place);
        for (size_t i = 0; i < steps.n; i++) {
            print_step(&steps.steps[i], "+ ", MAX_SHOWN_FLOWS);
        }
        fig7a_steps_destroy(&steps);
        return;
    }

    what = describe(t, f);
    state_open(&state, true);
    if (state.up && state.done) {
        if (!strcmp(state.up, what)) {
            printf("%s is up already\n", t->id);
            state_close(&state);
            free(what);
            return;
        }
        ovs_fatal(0, "this is up: %s; first do: %s down", state.up,
                  program_name);
    }
    if (state.undo.n) {
        /* Someone was interrupted here. */
        if (!undo_all(&state)) {
            exit(EXIT_FAILURE);
        }
        state_close(&state);
        state_open(&state, true);
    }
    error = fig7a_check_up(t, f);
    if (error) {
        unlink(state.name);
        ovs_fatal(0, "%s", error);
    }

    fig7a_interrupted();
    state_put(&state, "up", what);
    fig7a_steps_init(&steps, t, &place);
    for (size_t i = 0; i < steps.n && !error && !fig7a_interrupted(); i++) {
        error = do_step(&state, &steps.steps[i]);
    }
    if (!error && !fig7a_interrupted()) {
        error = get_port_error(t, &place);
    }
    if (!error && f->wait && place.remote_ip
        && !remote_answers(&place, f->wait)) {
        error = xasprintf("--remote-ip=%s: it has not answered within --wait="
                          "%u seconds; set up the other host, with "
                          "--local-ip=%s, and look at the wire",
                          place.remote_ip, f->wait, place.remote_ip);
    }
    if (error || fig7a_interrupted()) {
        ovs_error(0, "%s", fig7a_interrupted() ? "interrupted" : error);
        if (undo_all(&state)) {
            ovs_error(0, "all is as it was");
        }
        exit(EXIT_FAILURE);
    }
    state_put(&state, "done", "");
    state_close(&state);
    fig7a_steps_destroy(&steps);

    printf("%s is up; to undo that: %s down\n", t->id, program_name);
    if (place.remote_ip && !f->wait && !remote_answers(&place, 0)) {
        /* The other host need not be up yet. */
        ovs_error(0, "note: %s does not answer; set up the other host, with "
                  "--local-ip=%s", place.remote_ip, place.remote_ip);
    }
    free(what);
}

/* Ends the process if there are bridges with the names of ours.  To be called
 * without a file that says what "up" has done: it is gone after a reboot, but
 * bridges are in the database and stay. */
static void
check_unknown_bridges(void)
{
    static const char *const bridges[] = { FIG7A_BRIDGE, FIG7A_PHY_BRIDGE };
    struct ds command = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < ARRAY_SIZE(bridges); i++) {
        if (fig7a_has_bridge(bridges[i])) {
            ds_put_format(&command, "%sdel-br %s",
                          command.length ? " -- " : "", bridges[i]);
        }
    }
    if (command.length) {
        ovs_fatal(0, "%s: it is not there, perhaps since the machine was "
                  "rebooted, so what made the bridges is not known; remove "
                  "them: ovs-vsctl %s", state_file(), ds_cstr(&command));
    }
    ds_destroy(&command);
}

/* "down". */
void
fig7a_cmd_down(struct ovs_cmdl_context *ctx)
{
    const struct fig7a *f = ctx->pvt;
    struct state state;

    state_open(&state, false);
    if (!state.stream) {
        check_unknown_bridges();
    }
    if (f->dry_run) {
        for (size_t i = state.undo.n; i-- > 0; ) {
            printf("+ %s\n", state.undo.names[i]);
        }
    } else if (!state.stream) {
        printf("nothing is up\n");
    } else {
        fig7a_interrupted();
        if (!undo_all(&state)) {
            exit(EXIT_FAILURE);
        }
        printf("%s is down\n", state.up ? state.up : "it");
    }
    state_close(&state);
}
