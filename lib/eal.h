/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef EAL_H
#define EAL_H 1

/* DPDK's environment abstraction layer, started only when it is needed. */

/* Makes DPDK's memory available.  Does nothing if the administrator started
 * DPDK himself with other_config:dpdk-init: then his settings hold.
 * Otherwise starts it without hugepages and without probing any device.
 *
 * Returns 0, or a positive errno value with '*errp' set to a message about
 * port 'name' that the caller must free.  Call from the main thread only.  The
 * start registers Open vSwitch's own DPDK providers: so no lock of netdev.c
 * may be held, nor any that is taken while another provider's is. */
int eal_start(const char *name, char **errp);

#endif /* eal.h */
