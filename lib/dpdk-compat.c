/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

/* What OVS calls and an older DPDK lacks.
 *
 * This file includes nothing of OVS: quickstart compiles it before OVS is
 * built, because OVS's own programs need it to link, too. */

#ifndef HAVE_RTE_VHOST_DRIVER_SET_MAX_QUEUE_NUM

#include <stdint.h>

int rte_vhost_driver_set_max_queue_num(const char *, uint32_t);

/* Limits a vhost device to 'n_pairs' pairs of queues.  DPDK 22.11 cannot
 * (24.11 can).  Returns 0, as if it had: OVS refuses the port otherwise, and
 * calls this for VDUSE devices only, which DPDK 22.11 does not have. */
int
rte_vhost_driver_set_max_queue_num(const char *path, uint32_t n_pairs)
{
    (void) path;
    (void) n_pairs;
    return 0;
}

#endif
