/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_CHECK_NIC_H
#define FIG7A_CHECK_NIC_H 1

/* What a check is of, and what it says, and those of NICs. */

#include <stdbool.h>

#include "fig7a.h"

enum fig7a_verdict {
    GOOD,                       /* '*text' says what was found, or is null. */
    NOTE,                       /* It works, but not as it could. */
    BAD                         /* '*text' says what to do. */
};

/* What is checked for: a topology, or null, on a machine. */
struct fig7a_subject {
    const struct fig7a_topology *t;
    const struct fig7a *f;
    bool only_options;          /* Do not look at the machine. */
    bool load_module;           /* Load the kernel's module, if needed. */
};

char *fig7a_check_device(const struct fig7a_subject *, const char *option,
                         const char *device);
enum fig7a_verdict fig7a_check_nic(const struct fig7a_subject *, char **text);
enum fig7a_verdict fig7a_check_peer_nic(const struct fig7a_subject *,
                                        char **text);
enum fig7a_verdict fig7a_check_xdp(const struct fig7a_subject *, char **text);
enum fig7a_verdict fig7a_check_queues(const struct fig7a_subject *,
                                      char **text);
enum fig7a_verdict fig7a_check_mtu(const struct fig7a_subject *, char **text);

#endif /* check-nic.h */
