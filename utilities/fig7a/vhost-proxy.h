/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef FIG7A_VHOST_PROXY_H
#define FIG7A_VHOST_PROXY_H 1

/* Stands between a guest and a vhost-user port, and hides features from the
 * guest that would not work with them. */

#include <stdint.h>
#include <sys/types.h>

pid_t fig7a_vhost_proxy_start(const char *listen_path,
                              const char *connect_path,
                              uint64_t feature_mask);

#endif /* vhost-proxy.h */
