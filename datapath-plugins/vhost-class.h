/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_CLASS_H
#define VHOST_CLASS_H 1

#include <stdbool.h>

struct netdev;

/* Interface types that reach a virtual machine through vhost-user. */

void netdev_vhost_register(void);

bool is_netdev_vhost(const struct netdev *);
char *netdev_vhost_get_error(const struct netdev *);

#endif /* vhost-class.h */
