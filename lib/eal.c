/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Starting DPDK, without hugepages and without devices. */

#include "eal.h"

#include <errno.h>

#include "dpdk.h"
#include "smap.h"
#include "util.h"

/* Address space, in MiB, that DPDK may hand out.  Only what is used becomes
 * resident; DPDK's own tables grow by 12 MiB for each GiB.  64 ports of one
 * queue with default rings take 0.6 GiB. */
#define EAL_MEMORY_MB 2048

int
eal_start(const char *name, char **errp)
{
    if (dpdk_available()) {
        return 0;
    }

    struct smap config = SMAP_INITIALIZER(&config);

    /* "try": Open vSwitch aborts when the start fails after "true".
     * "--legacy-mem" keeps Open vSwitch from adding "--in-memory", which DPDK
     * refuses together with "--no-huge".  "--no-shconf" makes it keep no
     * files, so that several daemons can live on one machine and leave none
     * behind; the file prefix just names an empty folder. */
    smap_add(&config, "dpdk-init", "try");
    smap_add_format(&config, "dpdk-extra",
                    "--no-huge --no-pci --legacy-mem -m %d --no-shconf "
                    "--no-telemetry --file-prefix=ovs-datapath-plugins",
                    EAL_MEMORY_MB);
    dpdk_init(&config);
    smap_destroy(&config);

    if (!dpdk_available()) {
        *errp = xasprintf("%s: DPDK, which supplies the packet memory, could "
                          "not be started; the log has its messages", name);
        return ENOMEM;
    }
    return 0;
}
