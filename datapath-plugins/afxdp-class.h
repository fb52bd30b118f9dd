/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef AFXDP_CLASS_H
#define AFXDP_CLASS_H 1

#include <stdbool.h>

struct netdev;

/* Interface types that reach a Linux device through AF_XDP sockets. */

void afxdp_class_register(void);

bool afxdp_class_owns(const struct netdev *);
char *afxdp_class_get_error(const struct netdev *);

#endif /* afxdp-class.h */
