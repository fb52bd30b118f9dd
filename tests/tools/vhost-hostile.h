/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_VHOST_HOSTILE_H
#define TESTS_VHOST_HOSTILE_H 1

/* What "vhost-guest hostile" does: a guest, or the program that runs it, that
 * breaks the rules of virtio or of vhost-user. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfe;
struct hostile;

/* What hostile_run() returns. */
#define HOSTILE_DROPPED "dropped"               /* It took and kept it. */
#define HOSTILE_IGNORED "ignored"               /* Nothing happened. */
#define HOSTILE_REFUSED "refused"               /* It said no. */
#define HOSTILE_DISCONNECTED "disconnected"
#define HOSTILE_NO_ANSWER "no answer"           /* It hangs. */

/* Makes another connection of the same kind; starts its rings if the last
 * argument is true.  Returns a positive errno value if that fails. */
typedef int hostile_open_func(struct vfe *, bool start);

const struct hostile *hostile_find(const char *name);
void hostile_list(void);
void hostile_prepare(const struct hostile *, struct vfe *);
const char *hostile_run(const struct hostile *, struct vfe *,
                        hostile_open_func *, const uint8_t *frame,
                        size_t size);

#endif /* vhost-hostile.h */
