/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef VHOST_OPTIONS_H
#define VHOST_OPTIONS_H 1

/* Options of vhost-user ports. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct port_option;
struct vhost_config;

struct vhost_owner {
    char name[64];              /* As configured. */
    uint32_t uid, gid;          /* UINT32_MAX: unchanged. */
};

/* A port's options as the user gave them, compared with memcmp(). */
struct vhost_options {
    char server_path[sizeof ((struct sockaddr_un *) NULL)->sun_path];
    uint64_t feature_mask;
    int csum_offload;           /* Boolean. */
    int tso_offload;            /* enum port_option_auto. */
    int max_queue_pairs;
    int tx_retries_max;
    int iommu_support;          /* Boolean. */
    int postcopy_support;       /* Boolean. */
    int packed_ring;            /* Boolean. */
    int socket_mode;
    struct vhost_owner socket_owner;
};

const struct port_option *vhost_options_table(bool is_client, size_t *n);
int vhost_options_check(const char *name, bool is_client,
                        const struct vhost_options *, char **errp);
bool vhost_options_need_reopen(const struct vhost_options *,
                               const struct vhost_options *);
void vhost_options_to_config(const struct vhost_options *,
                             struct vhost_config *);

#endif /* vhost-options.h */
