/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#ifndef XSK_FEATURES_H
#define XSK_FEATURES_H 1

/* What a device's driver says that it can do with XDP and AF_XDP. */

#include <stdbool.h>

struct xsk_features {
    bool native;                /* The driver itself can redirect packets to
                                 * AF_XDP sockets... */
    bool zerocopy;              /* ...without a copy. */
    bool rx_hash;               /* XDP programs may read the RSS hash. */
    bool rx_vlan_tag;           /* ...and a VLAN tag that is not in the packet,
                                 * which otherwise would be lost. */
    bool tx_csum;               /* Zero-copy sockets may leave checksums to
                                 * the device. */
};

void xsk_features_query(int ifindex, struct xsk_features *);

#endif /* xsk/features.h */
