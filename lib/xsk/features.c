/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Asking the kernel what a device's driver can do. */

#include "xsk/features.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "netlink-socket.h"
#include "netlink.h"
#include "openvswitch/ofpbuf.h"
#include "util.h"

/* Of the kernel's generic netlink family "netdev", see its
 * Documentation/netlink/specs/netdev.yaml. */
enum {
    NETDEV_CMD_GET = 1,

    NETDEV_ATTR_IFINDEX = 1,
    NETDEV_ATTR_XDP_FEATURES = 3,       /* Linux 6.3. */
    NETDEV_ATTR_RX_METADATA = 5,        /* Linux 6.7. */
    NETDEV_ATTR_XSK_FEATURES = 6,       /* Linux 6.8. */
    NETDEV_N_ATTRS,

    NETDEV_XDP_BASIC = 1 << 0,
    NETDEV_XDP_REDIRECT = 1 << 1,
    NETDEV_XDP_XSK_ZEROCOPY = 1 << 3,
    NETDEV_RX_METADATA_HASH = 1 << 1,
    NETDEV_RX_METADATA_VLAN_TAG = 1 << 2,
    NETDEV_XSK_TX_CHECKSUM = 1 << 1,
};

/* Asks the kernel for the features of device 'ifindex'.  A kernel that does
 * not know has none: that is what '*features' then says. */
void
xsk_features_query(int ifindex, struct xsk_features *features)
{
    static const struct nl_policy policy[NETDEV_N_ATTRS] = {
        [NETDEV_ATTR_XDP_FEATURES] = { .type = NL_A_U64, .optional = true },
        [NETDEV_ATTR_RX_METADATA] = { .type = NL_A_U64, .optional = true },
        [NETDEV_ATTR_XSK_FEATURES] = { .type = NL_A_U64, .optional = true },
    };
    struct nlattr *attrs[ARRAY_SIZE(policy)];
    struct ofpbuf request, *reply;
    int family = 0;             /* Not looked up yet. */

    *features = (struct xsk_features) { .rx_hash = false };
    if (nl_lookup_genl_family("netdev", &family)) {
        return;
    }

    ofpbuf_init(&request, 0);
    nl_msg_put_genlmsghdr(&request, 0, family, NLM_F_REQUEST, NETDEV_CMD_GET,
                          1);
    nl_msg_put_u32(&request, NETDEV_ATTR_IFINDEX, ifindex);
    if (!nl_transact(NETLINK_GENERIC, &request, &reply)) {
        if (nl_policy_parse(reply, NLMSG_HDRLEN + GENL_HDRLEN, policy, attrs,
                            ARRAY_SIZE(policy))) {
            uint64_t xdp = (attrs[NETDEV_ATTR_XDP_FEATURES]
                            ? nl_attr_get_u64(attrs[NETDEV_ATTR_XDP_FEATURES])
                            : 0);
            uint64_t rx = (attrs[NETDEV_ATTR_RX_METADATA]
                           ? nl_attr_get_u64(attrs[NETDEV_ATTR_RX_METADATA])
                           : 0);
            uint64_t xsk = (attrs[NETDEV_ATTR_XSK_FEATURES]
                            ? nl_attr_get_u64(attrs[NETDEV_ATTR_XSK_FEATURES])
                            : 0);

            features->native = (xdp & NETDEV_XDP_BASIC
                                && xdp & NETDEV_XDP_REDIRECT);
            features->zerocopy = xdp & NETDEV_XDP_XSK_ZEROCOPY;
            features->rx_hash = rx & NETDEV_RX_METADATA_HASH;
            features->rx_vlan_tag = rx & NETDEV_RX_METADATA_VLAN_TAG;
            features->tx_csum = xsk & NETDEV_XSK_TX_CHECKSUM;
        }
        ofpbuf_delete(reply);
    }
    ofpbuf_uninit(&request);
}
