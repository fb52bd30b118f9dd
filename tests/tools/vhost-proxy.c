/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Runs utilities/fig7a/vhost-proxy.c until it ends. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "util.h"
#include "fig7a/vhost-proxy.h"

int
main(int argc, char *argv[])
{
    int status;
    pid_t pid;

    set_program_name(argv[0]);
    if (argc != 4) {
        ovs_fatal(0, "usage: vhost-proxy LISTEN CONNECT FEATURE-MASK");
    }
    pid = fig7a_vhost_proxy_start(argv[1], argv[2],
                                  strtoull(argv[3], NULL, 0));
    if (pid < 0) {
        ovs_fatal(-pid, "%s", argv[1]);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        continue;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
