/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Receives packets on one device and sends them on another, by nothing but
 * the netdev interface and in one thread: what is left when a profiler counts
 * the instructions in netdev_loop_forward() is the interface type's own cost.
 *
 *     valgrind --tool=callgrind --toggle-collect=netdev_loop_forward \
 *         netdev-loop afxdp-polling IN OUT 20000
 *
 * Nothing polls empty rings there, whose number would depend on the machine:
 * the sender is expected to send in bursts that fit in the receive ring, with
 * pauses, and only full batches are counted.  Prints "PACKETS BATCHES", the
 * numbers that went through netdev_loop_forward(). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dp-packet.h"
#include "dpdk.h"
#include "netdev.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

/* Without packets for this long, the loop gives up. */
#define TIMEOUT_MS 20000

void netdev_loop_forward(struct netdev_rxq *, struct netdev *, unsigned int n,
                         unsigned int *n_packets, unsigned int *n_batches);

/* Opens device 'name' as an interface of 'type', with the 'n' 'settings',
 * "NAME=VALUE" each, among its options. */
static struct netdev *
open_device(const char *name, const char *type, char *settings[], int n)
{
    struct smap options = SMAP_INITIALIZER(&options);
    struct netdev *netdev;
    char *message = NULL;
    int error;

    smap_add(&options, "n_rxq", "1");
    smap_add(&options, "xdp-mode", "native");
    for (int i = 0; i < n; i++) {
        size_t len = strcspn(settings[i], "=");

        smap_add_nocopy(&options, xmemdup0(settings[i], len),
                        xstrdup(settings[i] + len + (settings[i][len] != 0)));
    }
    error = netdev_open(name, type, &netdev);
    if (!error) {
        error = netdev_set_config(netdev, &options, &message);
    }
    if (!error && netdev_is_reconf_required(netdev)) {
        error = netdev_reconfigure(netdev);
    }
    if (error) {
        ovs_fatal(error, "%s: %s", name, message ? message : "cannot open");
    }
    smap_destroy(&options);
    return netdev;
}

/* Receives a batch from 'rxq' and sends it on 'out', as a PMD thread that
 * shares the transmit queue with other threads does.  Returns the number of
 * packets. */
static inline unsigned int
forward_batch(struct netdev_rxq *rxq, struct netdev *out)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    if (netdev_rxq_recv(rxq, &batch, NULL)) {
        return 0;
    }

    unsigned int n = dp_packet_batch_size(&batch);
    netdev_send(out, 0, &batch, true);
    return n;
}

/* Forwards up to 'n' batches, fewer if one is not full.  Adds what it did to
 * '*n_packets' and '*n_batches'.  A function of its own in the program, so
 * that a profiler knows it. */
void __attribute__((noinline, noclone))
netdev_loop_forward(struct netdev_rxq *rxq, struct netdev *out, unsigned int n,
                    unsigned int *n_packets, unsigned int *n_batches)
{
    for (unsigned int i = 0; i < n; i++) {
        unsigned int n_received = forward_batch(rxq, out);

        *n_packets += n_received;
        *n_batches += 1;
        if (n_received < NETDEV_MAX_BURST) {
            break;
        }
    }
}

int
main(int argc, char *argv[])
{
    unsigned int n_packets = 0;
    unsigned int n_batches = 0;
    struct netdev_rxq *rxq;
    int n_wanted;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_WARN);
    if (argc < 5 || !str_to_int(argv[4], 10, &n_wanted) || n_wanted < 1) {
        fprintf(stderr, "usage: %s TYPE IN-DEVICE OUT-DEVICE PACKETS "
                "[OPTION=VALUE...]\n", program_name);
        return 2;
    }

    ovs_numa_init();
    struct netdev *in = open_device(argv[2], argv[1], argv + 5, argc - 5);
    struct netdev *out = open_device(argv[3], argv[1], argv + 5, argc - 5);
    int error = netdev_rxq_open(in, &rxq, 0);
    if (error) {
        ovs_fatal(error, "%s: cannot open the receive queue", argv[2]);
    }

    /* As a PMD thread does: memory pools keep a cache for it. */
    dpdk_attach_thread(0);

    long long int deadline = time_msec() + TIMEOUT_MS;
    while (n_packets < n_wanted) {
        /* The first batch of a burst tells that one has begun.  It has
         * arrived as a whole a moment later.  What remains of it in the end
         * is taken here, too. */
        if (forward_batch(rxq, out) == NETDEV_MAX_BURST) {
            usleep(2000);
            netdev_loop_forward(rxq, out, 8, &n_packets, &n_batches);
            deadline = time_msec() + TIMEOUT_MS;
        } else if (time_msec() > deadline) {
            ovs_fatal(0, "%s: no packets", argv[2]);
        } else {
            usleep(100);
        }
    }
    printf("%u %u\n", n_packets, n_batches);

    netdev_rxq_close(rxq);
    netdev_close(in);
    netdev_close(out);
    return 0;
}
