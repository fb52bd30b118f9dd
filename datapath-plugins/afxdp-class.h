/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef AFXDP_CLASS_H
#define AFXDP_CLASS_H 1

#include <stdbool.h>

struct netdev;

/* Interface types that reach a Linux device through AF_XDP sockets. */

void netdev_xsk_register(void);

bool is_netdev_xsk(const struct netdev *);
char *netdev_xsk_get_error(const struct netdev *);

#endif /* afxdp-class.h */
