/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_MEMORY_H
#define VHOST_MEMORY_H 1

/* Memory of guests that its owner takes away. */

void vhost_memory_init(void);
void vhost_memory_run(void);

#endif /* vhost/memory.h */
