/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_CLASS_H
#define VHOST_CLASS_H 1

#include <stdbool.h>

struct netdev;

/* Interface types that reach a virtual machine through vhost-user. */

void vhost_class_register(void);

bool vhost_class_owns(const struct netdev *);
char *vhost_class_get_error(const struct netdev *);

#endif /* vhost-class.h */
