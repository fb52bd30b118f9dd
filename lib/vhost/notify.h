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
 * So datapath-plugins/replaced-functions.c has it call vhost_notify(), which
 * never waits, whatever the file's flags. */

int vhost_notify(int fd);
void vhost_notify_init(void);

#endif /* vhost/notify.h */
