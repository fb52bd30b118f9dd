/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Opening AF_XDP sockets on the queues of a device, in the best mode that
 * works, with the XDP program that hands them the device's packets. */

#include "afxdp-sockets.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <unistd.h>

#include "frame-pool.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "port-options.h"
#include "socket-util.h"
#include "util.h"
#include "xsk/features.h"
#include "xsk/program.h"
#include "xsk/socket.h"

VLOG_DEFINE_THIS_MODULE(afxdp_sockets);

/* What we must know of a device before we open sockets on it. */
struct device_info {
    int ifindex;
    int n_rxq;                  /* Receive queues. */
    int n_txq;                  /* Transmit queues. */
    bool is_veth;
    bool leaves_csum_partial;   /* Its senders do. */
    struct xsk_features features;
};

static int
device_ethtool(const char *name, void *cmd)
{
    struct ifreq ifr;

    ovs_strzcpy(ifr.ifr_name, name, sizeof ifr.ifr_name);
    ifr.ifr_data = cmd;
    return af_inet_ioctl(SIOCETHTOOL, &ifr);
}

/* Counts the queues of a 'kind', "rx" or "tx", as sysfs has them. */
static int
device_count_queues(const char *name, const char *kind)
{
    int n = 0;

    for (;;) {
        char *path = xasprintf("/sys/class/net/%s/queues/%s-%d", name, kind,
                               n);
        bool exists = !access(path, F_OK);

        free(path);
        if (!exists) {
            return MAX(n, 1);
        }
        n++;
    }
}

static void
device_query_queues(const char *name, struct device_info *info)
{
    struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

    if (!device_ethtool(name, &channels)
        && channels.rx_count + channels.combined_count) {
        info->n_rxq = channels.rx_count + channels.combined_count;
        info->n_txq = channels.tx_count + channels.combined_count;
    } else {
        /* Not every driver says; tun is one. */
        info->n_rxq = device_count_queues(name, "rx");
        info->n_txq = device_count_queues(name, "tx");
    }
}

/* Returns 0 or a positive errno value. */
static int
device_query(const char *name, struct device_info *info)
{
    struct ethtool_drvinfo drvinfo = { .cmd = ETHTOOL_GDRVINFO };

    info->ifindex = if_nametoindex(name);
    if (!info->ifindex) {
        return errno;
    }
    device_query_queues(name, info);
    device_ethtool(name, &drvinfo);
    info->is_veth = !strcmp(drvinfo.driver, "veth");
    info->leaves_csum_partial = (info->is_veth
                                 || !strcmp(drvinfo.driver, "tun")
                                 || !strcmp(drvinfo.driver, "virtio_net"));
    xsk_features_query(info->ifindex, &info->features);
    return 0;
}

/* Closes what is open of 'sockets', but keeps their configuration and memory.
 * Adds their counters to '*stats', if that is not null. */
static void
close_all(struct afxdp_sockets *sockets, struct xsk_stats *stats)
{
    /* First the program, so that nothing comes any more. */
    xsk_program_detach(sockets->prog);
    sockets->prog = NULL;
    for (int i = 0; i < sockets->n_xsks; i++) {
        if (sockets->xsks[i]) {
            xsk_close(sockets->xsks[i], stats);
            sockets->xsks[i] = NULL;
        }
    }
}

/* Closes 'sockets', which may be null, and frees them.  Adds their counters to
 * '*stats', if that is not null. */
void
afxdp_sockets_close(struct afxdp_sockets *sockets, struct xsk_stats *stats)
{
    if (sockets) {
        close_all(sockets, stats);
        if (sockets->pool) {
            frame_pool_release(sockets->pool, sockets->n_frames);
        }
        free(sockets->xsks);
        free(sockets->why_not_better);
        free(sockets);
    }
}

/* Opens 'sockets' in 'mode'.  Returns 0, or a positive errno value with
 * '*errp' set, and then nothing is open. */
static int
open_in_mode(struct afxdp_sockets *sockets, const struct device_info *info,
             const struct xsk_config *base, enum afxdp_xdp_mode mode,
             char **errp)
{
    struct xsk_config config = *base;
    int error;

    error = xsk_program_open(info->ifindex,
                             mode == AFXDP_MODE_GENERIC ? XSK_HOOK_GENERIC
                             : XSK_HOOK_NATIVE,
                             base->queue_id + sockets->n_xsks,
                             info->features.rx_hash && !info->is_veth,
                             &sockets->prog, errp);
    if (error) {
        return error;
    }

    config.rx_metadata = xsk_program_gave_metadata(sockets->prog);
    config.rx_metadata_key = xsk_program_metadata_key(sockets->prog);
    config.zerocopy = mode == AFXDP_MODE_NATIVE_ZC;
    if (config.zerocopy) {
        config.tx_csum &= info->features.tx_csum;
    }
    for (int i = 0; i < sockets->n_xsks; i++) {
        config.queue_id = base->queue_id + i;
        error = xsk_open(&config, sockets->pool, &sockets->xsks[i], errp);
        if (error) {
            goto error;
        }
    }

    sockets->max_mtu = (sockets->xsks[0]->multi_buffer ? XSK_MAX_SEGS : 1)
                    * FRAME_DATA_ROOM - L2_OVERHEAD;
    for (int i = 0; i < sockets->n_xsks; i++) {
        error = xsk_program_set_socket(sockets->prog, base->queue_id + i,
                                       sockets->xsks[i]->fd);
        if (error) {
            *errp = xasprintf("steering queue %d to its socket: %s",
                              base->queue_id + i, ovs_strerror(error));
            goto error;
        }
    }
    error = xsk_program_attach(sockets->prog, errp);
    if (error) {
        goto error;
    }

    sockets->mode = mode;
    sockets->restores_vlan_tags = (info->features.rx_vlan_tag
                                   && xsk_program_has_metadata(sockets->prog));
    sockets->tx_csum = (!sockets->xsks[0]->tx_csum ? "software"
                        : sockets->xsks[0]->zerocopy ? "device" : "kernel");
    return 0;

error:
    close_all(sockets, NULL);
    return error;
}

/* True if 'error' has nothing to do with the mode, so that trying another is
 * of no use. */
static bool
is_fatal_in_any_mode(int error)
{
    return (error == EBUSY || error == EEXIST || error == EPERM
            || error == EACCES || error == ENOBUFS || error == ENOMEM
            || error == EMFILE || error == ENODEV);
}

/* Opens 'sockets' in the mode that their options name, or else in the best
 * that works.  Returns 0, or a positive errno value with '*errp' set, and then
 * nothing is open. */
static int
open_in_any_mode(struct afxdp_sockets *sockets, const struct device_info *info,
                 const struct xsk_config *config, char **errp)
{
    enum afxdp_xdp_mode wanted = sockets->options.xdp_mode;
    bool any = wanted == AFXDP_MODE_BEST_EFFORT;
    enum afxdp_xdp_mode last = any ? AFXDP_MODE_GENERIC : wanted;
    struct ds reasons = DS_EMPTY_INITIALIZER;
    int error = EINVAL;

    for (enum afxdp_xdp_mode mode = any ? AFXDP_MODE_NATIVE_ZC : wanted;
         mode <= last; mode++) {
        char *reason = NULL;

        error = open_in_mode(sockets, info, config, mode, &reason);
        if (!error) {
            break;
        }
        if (is_fatal_in_any_mode(error)) {
            ds_clear(&reasons);
            ds_put_cstr(&reasons, reason);
            free(reason);
            break;
        }
        ds_put_format(&reasons, "%s%s%s: %s", reasons.length ? "; " : "",
                      any ? "" : "options:xdp-mode=", afxdp_mode_name(mode),
                      reason);
        free(reason);
    }

    *(error ? errp : &sockets->why_not_better)
        = reasons.length ? ds_steal_cstr(&reasons) : NULL;
    ds_destroy(&reasons);
    return error;
}

/* The number of queues that a port with 'options' uses on the device 'info',
 * each with a socket of its own. */
static int
n_sockets(const struct afxdp_options *options, const struct device_info *info)
{
    return (options->n_rxq ? options->n_rxq
            : info->is_veth ? info->n_rxq - options->start_qid : 1);
}

/* Returns an error message, which the caller must free, if the device 'info'
 * does not have the queues that 'options' asks for, otherwise null. */
static char *
check_queues(const char *name, const struct afxdp_options *options,
             const struct device_info *info)
{
    int max_rxq = info->n_rxq - options->start_qid;
    int n_pairs = MIN(info->n_rxq, info->n_txq);

    if (options->start_qid >= n_pairs) {
        return xasprintf("%s: options:start-qid=%d is not valid; the device "
                         "has %d %s queue(s), so it must be a number from 0 "
                         "to %d", name, options->start_qid, n_pairs,
                         n_pairs == info->n_rxq ? "receive" : "transmit",
                         n_pairs - 1);
    } else if (options->n_rxq > max_rxq) {
        return xasprintf("%s: options:n_rxq=%d is not valid; the device has "
                         "%d receive queue(s), so with start-qid=%d it must "
                         "be a number from 1 to %d", name, options->n_rxq,
                         info->n_rxq, options->start_qid, max_rxq);
    }
    return NULL;
}

/* Opens sockets on the device 'name', which is on NUMA node 'numa_id', as
 * 'options' say.  Returns 0 with '*socketsp' set, for the caller to
 * afxdp_sockets_close(), or a positive errno value with '*errp' set to a
 * message for the caller to free. */
int
afxdp_sockets_open(const char *name, const struct afxdp_options *options,
                   int numa_id, struct afxdp_sockets **socketsp, char **errp)
{
    struct device_info info;
    char *reason = NULL;
    int error;

    error = device_query(name, &info);
    if (error) {
        *errp = xasprintf("%s: %s", name, ovs_strerror(error));
        return error;
    }

    *errp = check_queues(name, options, &info);
    if (*errp) {
        return EINVAL;
    }

    int n_xsks = n_sockets(options, &info);
    struct afxdp_sockets *sockets = xzalloc(sizeof *sockets);
    sockets->options = *options;
    sockets->ifindex = info.ifindex;
    sockets->n_queues = info.n_rxq;
    sockets->numa_id = numa_id;
    sockets->n_xsks = n_xsks;
    sockets->n_txq = MIN(n_xsks, info.n_txq - options->start_qid);
    sockets->xsks = xcalloc(n_xsks, sizeof *sockets->xsks);
    sockets->rx_csum_partial = (options->rx_csum_partial == PORT_OPTION_AUTO
                                ? info.leaves_csum_partial
                                : (options->rx_csum_partial
                                   == PORT_OPTION_TRUE));

    const struct xsk_config config = {
        .ifindex = info.ifindex,
        .queue_id = options->start_qid,
        .n_rxq_desc = options->n_rxq_desc,
        .n_txq_desc = options->n_txq_desc,
        .tx_csum = options->csum_offload,
        .rx_csum_partial = sockets->rx_csum_partial,
    };
    sockets->n_frames = n_xsks * xsk_n_frames(&config);
    error = frame_pool_acquire(numa_id, sockets->n_frames, &sockets->pool,
                               &reason);
    if (!error) {
        error = open_in_any_mode(sockets, &info, &config, &reason);
    }
    if (error) {
        *errp = xasprintf("%s: %s", name, reason);
        free(reason);
        afxdp_sockets_close(sockets, NULL);
        return error;
    }

    if (sockets->mode == AFXDP_MODE_GENERIC && info.is_veth) {
        VLOG_WARN("%s: in generic mode, a veth peer with segmentation offload "
                  "sends packets larger than its MTU, and its VLAN tags may "
                  "be lost; see ethtool -K", name);
    }
    VLOG_INFO("%s: %s mode, %d queue(s) from %d, %s, tx checksums completed "
              "by %s%s%s%s", name, afxdp_mode_name(sockets->mode), n_xsks,
              options->start_qid,
              sockets->xsks[0]->zerocopy ? "zero-copy" : "copy",
              sockets->tx_csum,
              sockets->why_not_better ? " (" : "",
              sockets->why_not_better ? sockets->why_not_better : "",
              sockets->why_not_better ? ")" : "");
    *socketsp = sockets;
    return 0;
}

/* If 'mtu' is more than 'sockets' can carry, returns a message that says so,
 * for the caller to free, otherwise null. */
char *
afxdp_sockets_check_mtu(const char *name, const struct afxdp_sockets *sockets,
                        int mtu)
{
    return (mtu <= sockets->max_mtu ? NULL
            : xasprintf("%s: an MTU of %d is more than %s mode can carry; the "
                        "maximum is %d", name, mtu,
                        afxdp_mode_name(sockets->mode), sockets->max_mtu));
}
