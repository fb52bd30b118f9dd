/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_NOTIFY_H
#define VHOST_NOTIFY_H 1

/* Notifies guests.
 *
 * A guest is told of packets through a file that its hypervisor has sent with
 * SET_VRING_CALL, mostly an eventfd.  librte_vhost writes to it, with
 * eventfd_write(), in the thread that moves the packets.  That must not wait,
 * but the hypervisor has the same open file: it can take O_NONBLOCK away, at
 * any time, and fill the file.
 *
 * So this program has an eventfd_write() of its own, which the libraries call
 * in place of the C library's, and which never waits, whatever the file's
 * flags. */

void vhost_call_init(void);

#endif /* vhost/notify.h */
