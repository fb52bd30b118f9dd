/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef XSK_PROGRAM_H
#define XSK_PROGRAM_H 1

/* The XDP program that steers a device's packets to AF_XDP sockets.
 *
 * It is attached by an unpinned BPF link, which the kernel undoes when the
 * daemon ends, however it ends.  No function here is thread-safe; a program
 * belongs to one port, whose mutex protects it. */

#include <stdbool.h>
#include <stdint.h>

struct xsk_program;

enum xsk_hook {
    XSK_HOOK_NATIVE,            /* In the device's driver. */
    XSK_HOOK_GENERIC,           /* In the kernel's stack, for any device. */
};

int xsk_program_open(int ifindex, enum xsk_hook, uint32_t n_queues,
                     bool want_hash, struct xsk_program **, char **errp);
int xsk_program_attach(struct xsk_program *, char **errp);
void xsk_program_detach(struct xsk_program *);

int xsk_program_set_socket(struct xsk_program *, uint32_t queue_id, int fd);
bool xsk_program_has_metadata(const struct xsk_program *);
const bool *xsk_program_gave_metadata(const struct xsk_program *);
uint64_t xsk_program_metadata_key(const struct xsk_program *);
uint64_t xsk_program_n_lost_tags(const struct xsk_program *);

#endif /* xsk/program.h */
