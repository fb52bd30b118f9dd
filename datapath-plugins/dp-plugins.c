/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* What this project adds to ovs-vswitchd, and how it gets there. */

#include <errno.h>
#include <stdio.h>

#include "afxdp-class.h"
#include "frame-pool.h"
#include "netdev-provider.h"
#include "ofproto/ofproto-provider.h"
#include "port-error.h"
#include "version-check.h"
#include "vhost-class.h"
#include "vhost/memory.h"

/* Each makes interface types. */
static const struct provider {
    void (*register_)(void);

    /* Whether an interface is one of its own, and what is wrong with it. */
    bool (*is_mine)(const struct netdev *);
    char *(*get_error)(const struct netdev *);
} providers[] = {
    /* afxdp-polling, afxdp-interrupt. */
    { afxdp_class_register, afxdp_class_owns, afxdp_class_get_error },

    /* vhostuser, vhostuserclient. */
    { vhost_class_register, vhost_class_owns, vhost_class_get_error },
};

/* The linker's --wrap option sends Open vSwitch's calls of a function F here,
 * to __wrap_F, and lets us reach the real one as __real_F.  The functions that
 * are wrapped so are listed in automake.mk, and all of them are here.
 *
 * Apart from these, librte_vhost's calls of some functions of the C library
 * and of DPDK come to ours of the same name: see replaced-functions.c. */

void __real_netdev_vport_patch_register(void);
void __wrap_netdev_vport_patch_register(void);

void __real_netdev_run(void);
void __wrap_netdev_run(void);

void __real_netdev_wait(void);
void __wrap_netdev_wait(void);

void __real_ovs_print_version(uint8_t min_ofp, uint8_t max_ofp);
void __wrap_ovs_print_version(uint8_t min_ofp, uint8_t max_ofp);

int __real_ofproto_vport_get_status(const struct ofproto *, ofp_port_t,
                                    char **errp);
int __wrap_ofproto_vport_get_status(const struct ofproto *, ofp_port_t,
                                    char **errp);

/* Open vSwitch registers its own providers as the first device is looked for,
 * and this one's as the last of them. */
void
__wrap_netdev_vport_patch_register(void)
{
    __real_netdev_vport_patch_register();

    version_check();
    frame_pool_init();
    for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
        providers[i].register_();
    }
}

/* What Open vSwitch's main loop does for network devices in each turn... */
void
__wrap_netdev_run(void)
{
    __real_netdev_run();
    vhost_memory_run();
    port_error_run();
}

/* ...and what it then waits for. */
void
__wrap_netdev_wait(void)
{
    __real_netdev_wait();
    port_error_wait();
}

void
__wrap_ovs_print_version(uint8_t min_ofp, uint8_t max_ofp)
{
    __real_ovs_print_version(min_ofp, max_ofp);
    puts("ovs-datapath-plugins " PLUGINS_VERSION);
}

/* Open vSwitch asks here what to write into the "error" column for a port that
 * is in the datapath, and has no other place for a provider to say it. */
int
__wrap_ofproto_vport_get_status(const struct ofproto *ofproto,
                                ofp_port_t ofp_port, char **errp)
{
    const struct ofport *port = ofproto_get_port(ofproto, ofp_port);

    for (size_t i = 0; port && i < ARRAY_SIZE(providers); i++) {
        if (providers[i].is_mine(port->netdev)) {
            *errp = providers[i].get_error(port->netdev);
            return *errp ? EINVAL : 0;
        }
    }
    return __real_ofproto_vport_get_status(ofproto, ofp_port, errp);
}
