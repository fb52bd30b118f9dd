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

struct xdp_prog;

enum xdp_hook {
    XDP_HOOK_NATIVE,            /* In the device's driver. */
    XDP_HOOK_GENERIC,           /* In the kernel's stack, for any device. */
};

int xdp_prog_open(int ifindex, enum xdp_hook, uint32_t n_queues,
                  bool want_hash, struct xdp_prog **, char **errp);
int xdp_prog_attach(struct xdp_prog *, char **errp);
void xdp_prog_detach(struct xdp_prog *);

int xdp_prog_set_socket(struct xdp_prog *, uint32_t queue_id, int fd);
bool xdp_prog_has_metadata(const struct xdp_prog *);
const bool *xdp_prog_gave_metadata(const struct xdp_prog *);
uint64_t xdp_prog_metadata_key(const struct xdp_prog *);
uint64_t xdp_prog_n_lost_tags(const struct xdp_prog *);

#endif /* xsk/program.h */
