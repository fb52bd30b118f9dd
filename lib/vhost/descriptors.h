/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_DESCRIPTORS_H
#define VHOST_DESCRIPTORS_H 1

/* File descriptors that come with the messages of guests. */

#include <stddef.h>

struct vhost_todo;

const char *vhost_descriptors_check(const int fds[], size_t n,
                                    const struct vhost_todo *);

#endif /* vhost/descriptors.h */
