/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Running other programs, and ending them. */

#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "process.h"
#include "svec.h"
#include "timeval.h"
#include "util.h"

extern char **environ;

static volatile sig_atomic_t interrupted;

static void
note_signal(int signr)
{
    interrupted = signr;
}

/* True once someone wants us to end.  The first call makes SIGINT, SIGTERM and
 * SIGHUP do no more than that. */
bool
fig7a_interrupted(void)
{
    static bool inited;

    if (!inited) {
        struct sigaction sa = { .sa_handler = note_signal };

        inited = true;
        sigaction(SIGINT, &sa, NULL);
        sigaction(SIGTERM, &sa, NULL);
        sigaction(SIGHUP, &sa, NULL);
    }
    return interrupted;
}

/* A descriptor from which 'input' can be read, -1 with errno if there is
 * none. */
static int
open_input(const char *input)
{
    int fd;

    if (!input) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    fd = memfd_create("input", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, input, strlen(input)) != strlen(input)
                    || lseek(fd, 0, SEEK_SET))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Reads all that 'pid' writes to 'fd' into 'output', until nobody can any
 * more, or 'deadline', in ms, or we are interrupted, when 'pid' gets SIGTERM,
 * and then SIGKILL.  Returns true if it came to that. */
static bool
read_output(int fd, pid_t pid, long long int deadline, struct ds *output)
{
    bool late = false, was_interrupted = interrupted;

    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = POLLIN };
        int ms = (deadline == LLONG_MAX ? -1
                  : MAX(0, deadline - time_msec()));
        char buf[4096];
        ssize_t n;

        if (poll(&pfd, 1, ms) > 0) {
            n = read(fd, buf, sizeof buf);
            if (n > 0) {
                ds_put_buffer(output, buf, n);
            } else if (!n || errno != EINTR) {
                return late;
            }
        }
        if (time_msec() >= deadline
            || (interrupted && !was_interrupted && !late)) {
            if (late) {
                kill(pid, SIGKILL);
                return true;
            }
            kill(pid, SIGTERM);
            late = true;
            deadline = time_msec() + 5000;
        }
    }
}

/* Runs the program 'argv' as 'how' says (null: by default) and waits for it.
 * Stores what it has written to its standard output and error in '*outputp',
 * for the caller to free, without the last newline.  Returns 0 if it ended
 * with status 0, that status if it is another, and -1 otherwise; then
 * '*outputp' says why.  If 'outputp' is null, its output is ours. */
int
fig7a_exec(const struct fig7a_exec *how, const struct svec *argv,
           char **outputp)
{
    static const struct fig7a_exec defaults;
    struct ds output = DS_EMPTY_INITIALIZER;
    posix_spawn_file_actions_t actions;
    struct svec args = SVEC_EMPTY_INITIALIZER;
    int pipefds[2] = { -1, -1 };
    int input, status, error;
    posix_spawnattr_t attr;
    bool late = false;
    sigset_t set;
    pid_t pid;

    how = how ? how : &defaults;
    if (how->prefix) {
        svec_append(&args, how->prefix);
    }
    svec_append(&args, argv);
    svec_terminate(&args);

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);

    input = open_input(how->input);
    error = input < 0 || (outputp && pipe2(pipefds, O_CLOEXEC)) ? errno : 0;
    if (!error) {
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (outputp) {
            posix_spawn_file_actions_adddup2(&actions, pipefds[1],
                                             STDOUT_FILENO);
            posix_spawn_file_actions_adddup2(&actions, pipefds[1],
                                             STDERR_FILENO);
        }
        error = posix_spawnp(&pid, args.names[0], &actions, &attr, args.names,
                             environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    if (input >= 0) {
        close(input);
    }
    if (pipefds[1] >= 0) {
        close(pipefds[1]);
    }

    if (error) {
        ds_put_format(&output, "%s: %s", args.names[0], ovs_strerror(error));
        status = -1;
    } else {
        if (outputp) {
            late = read_output(pipefds[0], pid,
                               (how->timeout
                                ? time_msec() + how->timeout * 1000LL
                                : LLONG_MAX), &output);
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            continue;
        }
        if (WIFEXITED(status) && !late) {
            status = WEXITSTATUS(status);
        } else {
            char *msg = process_status_msg(status);

            ds_put_format(&output, "%s%s: %s", output.length ? "\n" : "",
                          args.names[0],
                          (!late ? msg : interrupted ? "interrupted"
                           : "took too long"));
            free(msg);
            status = -1;
        }
    }
    if (pipefds[0] >= 0) {
        close(pipefds[0]);
    }
    if (outputp) {
        ds_chomp(&output, '\n');
        *outputp = ds_steal_cstr(&output);
    }
    ds_destroy(&output);
    svec_destroy(&args);
    return status;
}

/* As fig7a_exec(), of the program 'arg0' with the arguments that follow, up to
 * a null pointer. */
int
fig7a_execl(const struct fig7a_exec *how, char **outputp, const char *arg0,
            ...)
{
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    va_list args;
    int status;

    va_start(args, arg0);
    for (const char *arg = arg0; arg; arg = va_arg(args, const char *)) {
        svec_add(&argv, arg);
    }
    va_end(args);
    status = fig7a_exec(how, &argv, outputp);
    svec_destroy(&argv);
    return status;
}

/* Runs the command of 'format', whose words are separated by spaces, where
 * 'exec' (null: here) says and for no more than 'timeout' seconds, with the
 * output in '*outputp', if that is not null, for the caller to free.
 * Returns null, or what went wrong, for the caller to free. */
char *
fig7a_run(const struct fig7a_exec *exec, unsigned int timeout, char **outputp,
          const char *format, ...)
{
    struct fig7a_exec how = { .timeout = timeout };
    struct svec argv = SVEC_EMPTY_INITIALIZER;
    char *output, *error = NULL;
    va_list args;

    va_start(args, format);
    char *s = xvasprintf(format, args);
    va_end(args);
    svec_parse_words(&argv, s);
    free(s);

    if (exec) {
        how.prefix = exec->prefix;
    }
    if (fig7a_exec(&how, &argv, &output)) {
        char *command = fig7a_shell_quote(&argv);

        error = xasprintf("%s: %s", command, output);
        free(command);
    }
    svec_destroy(&argv);
    if (outputp && !error) {
        *outputp = output;
    } else {
        free(output);
    }
    return error;
}

/* Runs 'script' with Bash, as fig7a_run() runs a command. */
char *
fig7a_run_script(const struct fig7a_exec *exec, unsigned int timeout,
                 const char *script)
{
    struct fig7a_exec how = { .timeout = timeout };
    char *output, *error = NULL;

    if (exec) {
        how.prefix = exec->prefix;
    }
    if (fig7a_execl(&how, &output, "bash", "-c", script, NULL)) {
        error = output;
        output = NULL;
    }
    free(output);
    return error;
}

/* Returns 'argv' as one would type it into a shell, for the caller to
 * free. */
char *
fig7a_shell_quote(const struct svec *argv)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789_-+=:.,/@%";
    struct ds s = DS_EMPTY_INITIALIZER;
    const char *arg;
    size_t i;

    SVEC_FOR_EACH (i, arg, argv) {
        if (i) {
            ds_put_char(&s, ' ');
        }
        if (arg[0] && strspn(arg, plain) == strlen(arg)) {
            ds_put_cstr(&s, arg);
            continue;
        }
        ds_put_char(&s, '\'');
        for (; *arg; arg++) {
            if (*arg == '\'') {
                ds_put_cstr(&s, "'\\''");
            } else {
                ds_put_char(&s, *arg);
            }
        }
        ds_put_char(&s, '\'');
    }
    return ds_steal_cstr(&s);
}

/* Returns the file name of our own program 'name', for the caller to free: it
 * is where we are, or next to that in "../libexec/ovs-datapath-plugins", or,
 * if we were built in a folder of the source tree and are still there, in that
 * tree's "utilities", or, if it has no slash, in $PATH.  Null if it is
 * nowhere. */
char *
fig7a_find_program(const char *name)
{
    static const char *const folders[] = {
        "", "../libexec/ovs-datapath-plugins/",
        "../lib/ovs-datapath-plugins/", "../../../utilities/"
    };
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *dir, *found = NULL;

    exe[MAX(n, 0)] = '\0';
    dir = dir_name(exe);
    for (size_t i = 0; i < ARRAY_SIZE(folders) && !found; i++) {
        char *file = xasprintf("%s/%s%s", dir, folders[i], name);

        if (!access(file, X_OK)) {
            found = file;
        } else {
            free(file);
        }
    }
    free(dir);
    /* With a slash, that would be a file from where the user happens to be. */
    return (found || strchr(name, '/') ? found
            : process_search_path(name));
}
