/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A test of lib/xsk/program.c: what libbpf says while we load a program comes
 * to us, and what it says otherwise to whoever had it before. */

#include "xsk/program.h"

#include <assert.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "util.h"

static unsigned int n_printed;

static int
print(enum libbpf_print_level level OVS_UNUSED, const char *format OVS_UNUSED,
      va_list args OVS_UNUSED)
{
    n_printed++;
    return 0;
}

/* Makes libbpf say something: there is no such file. */
static void
provoke(void)
{
    assert(!bpf_object__open_file("/nonexistent", NULL));
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    struct xsk_program *program;
    char *error = NULL;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    libbpf_set_print(print);

    /* There is no such device, either: the program that is bound to it cannot
     * be loaded, and whether the other can, depends on privileges. */
    if (!xsk_program_open(INT_MAX, XSK_HOOK_NATIVE, 1, false, &program,
                          &error)) {
        xsk_program_detach(program);
    }
    free(error);
    assert(!n_printed);

    provoke();
    assert(n_printed);
    assert(libbpf_set_print(NULL) == print);
    puts("each has its own");
    return 0;
}
