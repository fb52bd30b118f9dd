/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The interface types "afxdp-polling" and "afxdp-interrupt": a Linux network
 * device of any kind, with its packets carried by AF_XDP sockets.
 *
 * The device itself (addresses, flags, MTU, link state) is Open vSwitch's own
 * netdev-linux, whose class ours are copies of.  netdev-linux takes a class
 * for its own if 'run' is its own, so that member must stay as it is; the
 * duties that it has for its other classes by name are ours: checking the MTU,
 * and forgetting cached state when netlink messages were lost.  It polls the
 * carrier by MII only for devices of its first class, so ours do without. */

#include "afxdp-class.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <unistd.h>

#include "dp-packet.h"
#include "eal.h"
#include "frame-pool.h"
#include "if-notifier.h"
#include "late-report.h"
#include "netdev-linux.h"
#include "netdev-provider.h"
#include "netlink-notifier.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "port-options.h"
#include "rtnetlink.h"
#include "smap.h"
#include "socket-util.h"
#include "unixctl.h"
#include "util.h"
#include "xsk/features.h"
#include "xsk/program.h"
#include "xsk/socket.h"

/* Defines static functions that not every includer uses. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include "netdev-linux-private.h"
#pragma GCC diagnostic pop

VLOG_DEFINE_THIS_MODULE(netdev_xsk);

/* The main thread serves each receive queue of a device once in a turn of its
 * loop, with one burst, and a turn has much other work.  To let it take more
 * at a time, an interrupt-driven port shows each socket as this many queues,
 * which it serves one after the other.  They are looked at even if the port is
 * idle, so more would slow other ports. */
#define INTERRUPT_BURSTS 32

/* Descriptors in a ring unless configured.  The window of a local TCP sender,
 * 3 MB, fits in 2048 packets: with 1024 the main thread lost some 0.8 % of
 * them.  What is sent is mostly gone when the call returns. */
#define DEFAULT_RXQ_DESCS 2048
#define DEFAULT_TXQ_DESCS 1024

/* The size of an Ethernet header with two VLAN tags, which the MTU does not
 * count. */
#define L2_OVERHEAD (ETH_HEADER_LEN + 2 * VLAN_HEADER_LEN)

/* Options. */

enum xsk_mode {
    XSK_MODE_BEST_EFFORT,       /* The first of the following that works. */
    XSK_MODE_NATIVE_ZC,
    XSK_MODE_NATIVE,
    XSK_MODE_GENERIC,
    XSK_N_MODES
};

static const char *const mode_names[] = {
    [XSK_MODE_BEST_EFFORT] = "best-effort",
    [XSK_MODE_NATIVE_ZC] = "native-with-zerocopy",
    [XSK_MODE_NATIVE] = "native",
    [XSK_MODE_GENERIC] = "generic",
    NULL
};

/* A port's options as the user gave them.  All are ints, so that one table
 * describes them and memcmp() compares them. */
struct xsk_options {
    int xdp_mode;               /* enum xsk_mode. */
    int n_rxq;                  /* 0: as many as suit the device. */
    int start_qid;
    int n_rxq_desc;
    int n_txq_desc;
    int csum_offload;           /* Boolean. */
    int rx_csum_partial;        /* enum port_option_auto. */
};

static const struct port_option xsk_option_table[] = {
#define OPTION(NAME, MEMBER, ...) \
    { .name = NAME, .ofs = offsetof(struct xsk_options, MEMBER), __VA_ARGS__ }
    OPTION("xdp-mode", xdp_mode, .names = mode_names),
    OPTION("n_rxq", n_rxq, .min = 1, .max = 1024),
    OPTION("start-qid", start_qid, .min = 0, .max = 65535),
    OPTION("n_rxq_desc", n_rxq_desc, .default_value = DEFAULT_RXQ_DESCS,
           .min = XSK_MIN_DESCS, .max = XSK_MAX_DESCS, .pow2 = true),
    OPTION("n_txq_desc", n_txq_desc, .default_value = DEFAULT_TXQ_DESCS,
           .min = XSK_MIN_DESCS, .max = XSK_MAX_DESCS, .pow2 = true),
    OPTION("csum-offload", csum_offload, .default_value = true,
           .names = port_option_bool),
    OPTION("rx-csum-partial", rx_csum_partial, .names = port_option_auto),
#undef OPTION
};

/* Devices. */

/* All that is open for a port while it carries packets. */
struct xsk_port {
    struct xsk_options options; /* In force. */
    int ifindex;
    enum xsk_mode mode;         /* In use. */
    char *why_not_better;       /* Why no better mode is, or null. */
    bool rx_csum_partial;
    const char *tx_csum;        /* Who completes checksums. */
    int max_mtu;
    bool restores_vlan_tags;
    int n_queues;               /* Receive queues that the device has. */
    int numa_id;                /* Of the device, -1 if unknown. */
    struct xdp_prog *prog;
    struct frame_pool *pool;
    uint32_t n_frames;          /* Reserved in 'pool'. */
    struct xsk **xsks;
    int n_xsks;
    int n_txq;                  /* That many of them can send, too: the device
                                 * may have fewer queues for that. */
};

struct netdev_xsk {
    struct netdev_linux linux_;
    struct late_report report;          /* Of an error. */

    /* Protects all that follows.  To be taken after that of 'linux_', see
     * device_numa_id(). */
    struct ovs_mutex mutex;

    struct xsk_options requested;
    bool has_options;                   /* 'requested' is valid. */
    bool reopen;                        /* The device or 'requested' has
                                         * changed. */
    char *error;                        /* For the "error" column, or null. */
    char *mtu_error;                    /* Likewise. */
    int device_mtu;                     /* As last told by the kernel. */
    struct xsk_stats past_stats;        /* Of sockets closed since. */
    uint64_t past_lost_tags;            /* Of programs detached since. */
    atomic_uint64_t tx_drop_no_socket;

    /* Null while the device is away.  Changes only while no thread uses the
     * port's queues, so these read it without the mutex. */
    struct xsk_port *port;
};

static struct netdev_class netdev_afxdp_polling_class;
static struct netdev_class netdev_afxdp_interrupt_class;
static const struct netdev_class *const xsk_classes[] = {
    &netdev_afxdp_polling_class,
    &netdev_afxdp_interrupt_class,
};

bool
is_netdev_xsk(const struct netdev *netdev)
{
    const struct netdev_class *class = netdev_get_class(netdev);

    return (class == &netdev_afxdp_polling_class
            || class == &netdev_afxdp_interrupt_class);
}

static struct netdev_xsk *
netdev_xsk_cast(const struct netdev *netdev)
{
    ovs_assert(is_netdev_xsk(netdev));
    return CONTAINER_OF(netdev, struct netdev_xsk, linux_.up);
}

static bool
netdev_xsk_is_interrupt(const struct netdev *netdev)
{
    return netdev_get_class(netdev) == &netdev_afxdp_interrupt_class;
}

/* What we must know of a device before we open sockets on it. */
struct device_info {
    int ifindex;
    int n_rxq;                  /* Receive queues. */
    int n_txq;                  /* Transmit queues. */
    bool is_veth;
    bool leaves_csum_partial;   /* Its senders do. */
    struct xdp_features features;
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

/* Returns the NUMA node of the device, -1 if it has none.
 *
 * Like netdev_get_mtu(), this takes the mutex of 'linux_', and therefore must
 * come before that of the port: with the former held, netdev-linux may call
 * netdev_xsk_link_changed(), which takes the latter. */
static int
device_numa_id(const struct netdev *netdev)
{
    int numa_id = NETDEV_NUMA_UNSPEC;

    /* It would remember that a device is on node 0 that is not there yet. */
    if (if_nametoindex(netdev_get_name(netdev))) {
        numa_id = netdev_get_numa_id(netdev);
    }
    return numa_id == NETDEV_NUMA_UNSPEC ? -1 : numa_id;
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
    xdp_features_query(info->ifindex, &info->features);
    return 0;
}

/* Ports. */

/* Closes what is open of 'port', but keeps its configuration and its memory.
 * Adds the counters of its sockets to '*stats', if that is not null. */
static void
xsk_port_close_sockets(struct xsk_port *port, struct xsk_stats *stats)
{
    /* First the program, so that nothing comes any more. */
    xdp_prog_detach(port->prog);
    port->prog = NULL;
    for (int i = 0; i < port->n_xsks; i++) {
        if (port->xsks[i]) {
            xsk_close(port->xsks[i], stats);
            port->xsks[i] = NULL;
        }
    }
}

static void
xsk_port_close(struct xsk_port *port, struct xsk_stats *stats)
{
    if (port) {
        xsk_port_close_sockets(port, stats);
        if (port->pool) {
            frame_pool_release(port->pool, port->n_frames);
        }
        free(port->xsks);
        free(port->why_not_better);
        free(port);
    }
}

/* Opens the sockets of 'port' in 'mode'.  Returns 0, or a positive errno value
 * with '*errp' set, and then nothing is open. */
static int
xsk_port_open_mode(struct xsk_port *port, const struct device_info *info,
                   const struct xsk_config *base, enum xsk_mode mode,
                   char **errp)
{
    struct xsk_config config = *base;
    int error;

    error = xdp_prog_open(info->ifindex,
                          mode == XSK_MODE_GENERIC ? XDP_HOOK_GENERIC
                          : XDP_HOOK_NATIVE,
                          base->queue_id + port->n_xsks,
                          info->features.rx_hash && !info->is_veth,
                          &port->prog, errp);
    if (error) {
        return error;
    }

    config.rx_metadata = xdp_prog_gave_metadata(port->prog);
    config.rx_metadata_key = xdp_prog_metadata_key(port->prog);
    config.zerocopy = mode == XSK_MODE_NATIVE_ZC;
    if (config.zerocopy) {
        config.tx_csum &= info->features.tx_csum;
    }
    for (int i = 0; i < port->n_xsks; i++) {
        config.queue_id = base->queue_id + i;
        error = xsk_open(&config, port->pool, &port->xsks[i], errp);
        if (error) {
            goto error;
        }
    }

    port->max_mtu = (port->xsks[0]->multi_buffer ? XSK_MAX_SEGS : 1)
                    * FRAME_DATA_ROOM - L2_OVERHEAD;
    for (int i = 0; i < port->n_xsks; i++) {
        error = xdp_prog_set_socket(port->prog, base->queue_id + i,
                                    port->xsks[i]->fd);
        if (error) {
            *errp = xasprintf("steering queue %d to its socket: %s",
                              base->queue_id + i, ovs_strerror(error));
            goto error;
        }
    }
    error = xdp_prog_attach(port->prog, errp);
    if (error) {
        goto error;
    }

    port->mode = mode;
    port->restores_vlan_tags = (info->features.rx_vlan_tag
                                && xdp_prog_has_metadata(port->prog));
    port->tx_csum = (!port->xsks[0]->tx_csum ? "software"
                     : port->xsks[0]->zerocopy ? "device" : "kernel");
    return 0;

error:
    xsk_port_close_sockets(port, NULL);
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

/* Opens the sockets of 'port' in the mode that its options name, or else in
 * the best that works.  Returns 0, or a positive errno value with '*errp' set,
 * and then nothing is open. */
static int
xsk_port_open_sockets(struct xsk_port *port, const struct device_info *info,
                      const struct xsk_config *config, char **errp)
{
    enum xsk_mode wanted = port->options.xdp_mode;
    bool any = wanted == XSK_MODE_BEST_EFFORT;
    enum xsk_mode last = any ? XSK_MODE_GENERIC : wanted;
    struct ds reasons = DS_EMPTY_INITIALIZER;
    int error = EINVAL;

    for (enum xsk_mode mode = any ? XSK_MODE_NATIVE_ZC : wanted; mode <= last;
         mode++) {
        char *reason = NULL;

        error = xsk_port_open_mode(port, info, config, mode, &reason);
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
                      any ? "" : "options:xdp-mode=", mode_names[mode],
                      reason);
        free(reason);
    }

    *(error ? errp : &port->why_not_better)
        = reasons.length ? ds_steal_cstr(&reasons) : NULL;
    ds_destroy(&reasons);
    return error;
}

/* The number of queues that a port with 'options' uses on the device 'info',
 * each with a socket of its own. */
static int
n_sockets(const struct xsk_options *options, const struct device_info *info)
{
    return (options->n_rxq ? options->n_rxq
            : info->is_veth ? info->n_rxq - options->start_qid : 1);
}

/* Returns an error message, which the caller must free, if the device 'info'
 * does not have the queues that 'options' asks for, otherwise null. */
static char *
check_queues(const char *name, const struct xsk_options *options,
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

/* Opens a port on the device of 'netdev' with 'options'.  Returns 0 with
 * '*portp' set, for the caller to xsk_port_close(), or a positive errno value
 * with '*errp' set to a message for the caller to free. */
static int
xsk_port_open(const struct netdev *netdev, const struct xsk_options *options,
              int numa_id, struct xsk_port **portp, char **errp)
{
    const char *name = netdev_get_name(netdev);
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
    struct xsk_port *port = xzalloc(sizeof *port);
    port->options = *options;
    port->ifindex = info.ifindex;
    port->n_queues = info.n_rxq;
    port->numa_id = numa_id;
    port->n_xsks = n_xsks;
    port->n_txq = MIN(n_xsks, info.n_txq - options->start_qid);
    port->xsks = xcalloc(n_xsks, sizeof *port->xsks);
    port->rx_csum_partial = (options->rx_csum_partial == PORT_OPTION_AUTO
                             ? info.leaves_csum_partial
                             : options->rx_csum_partial == PORT_OPTION_TRUE);

    const struct xsk_config config = {
        .ifindex = info.ifindex,
        .queue_id = options->start_qid,
        .n_rxq_desc = options->n_rxq_desc,
        .n_txq_desc = options->n_txq_desc,
        .tx_csum = options->csum_offload,
        .rx_csum_partial = port->rx_csum_partial,
    };
    port->n_frames = n_xsks * xsk_n_frames(&config);
    error = frame_pool_acquire(numa_id, port->n_frames, &port->pool,
                               &reason);
    if (!error) {
        error = xsk_port_open_sockets(port, &info, &config, &reason);
    }
    if (error) {
        *errp = xasprintf("%s: %s", name, reason);
        free(reason);
        xsk_port_close(port, NULL);
        return error;
    }

    if (port->mode == XSK_MODE_GENERIC && info.is_veth) {
        VLOG_WARN("%s: in generic mode, a veth peer with segmentation offload "
                  "sends packets larger than its MTU, and its VLAN tags may "
                  "be lost; see ethtool -K", name);
    }
    VLOG_INFO("%s: %s mode, %d queue(s) from %d, %s, tx checksums completed "
              "by %s%s%s%s", name, mode_names[port->mode], n_xsks,
              options->start_qid,
              port->xsks[0]->zerocopy ? "zero-copy" : "copy", port->tx_csum,
              port->why_not_better ? " (" : "",
              port->why_not_better ? port->why_not_better : "",
              port->why_not_better ? ")" : "");
    *portp = port;
    return 0;
}

/* Configuration. */

/* If 'mtu' is more than 'port' can carry, returns a message that says so, for
 * the caller to free, otherwise null. */
static char *
xsk_port_check_mtu(const char *name, const struct xsk_port *port, int mtu)
{
    return (mtu <= port->max_mtu ? NULL
            : xasprintf("%s: an MTU of %d is more than %s mode can carry; the "
                        "maximum is %d", name, mtu, mode_names[port->mode],
                        port->max_mtu));
}

/* Makes 'error', of which it takes ownership, the text of '*slot', one of those
 * for the "error" column, and logs it when it is new. */
static void
netdev_xsk_replace_error(struct netdev_xsk *dev, char **slot, char *error)
    OVS_REQUIRES(dev->mutex)
{
    if (error && !nullable_string_is_equal(error, *slot)) {
        VLOG_ERR("%s", error);
    }
    if (*slot && !error) {
        /* Only a reconfiguration of the bridge clears the column. */
        if_notifier_manual_report();
    }
    if (*slot || error) {
        late_report_request(&dev->report, !error);
    }
    free(*slot);
    *slot = error;

    /* Have the bridge ask for the error: it forgets the last one whenever it
     * reconfigures the port. */
    netdev_change_seq_changed(&dev->linux_.up);
}

static void
netdev_xsk_set_error(struct netdev_xsk *dev, char *error)
    OVS_REQUIRES(dev->mutex)
{
    netdev_xsk_replace_error(dev, &dev->error, error);
}

/* Returns what is wrong with 'netdev', a port in the datapath, in a string for
 * the caller to free, or null if nothing is. */
char *
netdev_xsk_get_error(const struct netdev *netdev)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    char *error = nullable_xstrdup(dev->error ? dev->error : dev->mtu_error);
    ovs_mutex_unlock(&dev->mutex);
    return error;
}

/* Puts 'port', just opened, in service. */
static void
netdev_xsk_use_port(struct netdev_xsk *dev, struct xsk_port *port)
    OVS_REQUIRES(dev->mutex)
{
    struct netdev *netdev = &dev->linux_.up;

    dev->port = port;
    netdev->n_rxq = port->n_xsks * (netdev_xsk_is_interrupt(netdev)
                                    ? INTERRUPT_BURSTS : 1);
    netdev->n_txq = port->n_txq;
    netdev->ol_flags = (port->xsks[0]->tx_csum
                        ? NETDEV_TX_OFFLOAD_TCP_CKSUM
                          | NETDEV_TX_OFFLOAD_UDP_CKSUM
                        : 0);
}

/* Takes 'options', the first ones of 'dev', by opening its device.  'mtu' is
 * that of the device, 0 if not known. */
static int
netdev_xsk_take_first_options(struct netdev_xsk *dev,
                              const struct xsk_options *options, int numa_id,
                              int mtu, char **errp)
    OVS_REQUIRES(dev->mutex)
{
    const struct netdev *netdev = &dev->linux_.up;
    struct xsk_port *port;
    int error;

    error = xsk_port_open(netdev, options, numa_id, &port, errp);
    if (error) {
        return error;
    }
    if (mtu) {
        *errp = xsk_port_check_mtu(netdev_get_name(netdev), port, mtu);
        if (*errp) {
            xsk_port_close(port, NULL);
            return EMSGSIZE;
        }
    }

    dev->device_mtu = mtu;
    dev->requested = *options;
    dev->has_options = true;
    netdev_xsk_use_port(dev, port);
    return 0;
}

/* Takes 'options' in place of earlier ones of 'dev'.  If they are not those in
 * force, reconfigure() closes the device and opens it with them. */
static void
netdev_xsk_take_options(struct netdev_xsk *dev,
                        const struct xsk_options *options)
    OVS_REQUIRES(dev->mutex)
{
    bool is_new = memcmp(options, &dev->requested, sizeof *options);
    bool in_force = (dev->port && !memcmp(options, &dev->port->options,
                                          sizeof *options));

    dev->requested = *options;
    if (!dev->port || (is_new && !in_force)) {
        dev->reopen = true;
        netdev_request_reconfigure(&dev->linux_.up);
    }
    if (dev->error && in_force) {
        /* It was about options that have been taken back.  There is nothing
         * for reconfigure() to do. */
        netdev_xsk_set_error(dev, NULL);
    } else if (dev->error && !is_new) {
        netdev_xsk_set_error(dev, xstrdup(dev->error));
    }
}

/* A new port is opened right here, so that the bridge sees the error and does
 * not add it.  For a port in service this only checks the options, and
 * reconfigure() will change over: no thread uses its queues then.  In that
 * case bad options leave the port as it is, and the error goes to the "error"
 * column: if we returned it, the bridge would remove the port. */
static int
netdev_xsk_set_config(struct netdev *netdev, const struct smap *args,
                      char **errp)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    const char *name = netdev_get_name(netdev);
    struct xsk_options options = { 0 };
    char *message = NULL;
    int error;

    port_options_warn_unknown(name, xsk_option_table,
                              ARRAY_SIZE(xsk_option_table), args);
    error = port_options_parse(name, xsk_option_table,
                               ARRAY_SIZE(xsk_option_table), args, &options,
                               &message);
    if (!error) {
        error = eal_start(name, &message);
    }

    int numa_id = device_numa_id(netdev);
    int mtu = 0;
    if (netdev_get_mtu(netdev, &mtu)) {
        mtu = 0;
    }

    ovs_mutex_lock(&dev->mutex);

    /* If an MTU has been refused, the device still has its own, and the new
     * configuration may ask for another. */
    free(dev->mtu_error);
    dev->mtu_error = (mtu && dev->port
                      ? xsk_port_check_mtu(name, dev->port, mtu) : NULL);
    if (dev->mtu_error) {
        late_report_request(&dev->report, false);
        netdev_change_seq_changed(netdev);
    }

    if (!dev->has_options) {
        if (!error) {
            error = netdev_xsk_take_first_options(dev, &options, numa_id, mtu,
                                                  &message);
        }
        if (error) {
            VLOG_ERR("%s", message);
            *errp = message;
        }
    } else if (!error) {
        netdev_xsk_take_options(dev, &options);
    } else {
        netdev_xsk_set_error(dev, xasprintf("%s; the previous options stay in "
                                            "force", message));
        free(message);
        error = 0;
    }
    ovs_mutex_unlock(&dev->mutex);
    return error;
}

static int
netdev_xsk_get_config(const struct netdev *netdev, struct smap *args)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    if (dev->port) {
        struct xsk_options options = dev->port->options;

        options.n_rxq = dev->port->n_xsks;
        port_options_format(xsk_option_table, ARRAY_SIZE(xsk_option_table),
                            &options, args);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

/* Checks 'mtu', which 'dev' is to have or has got.  Returns true, with an
 * error to show, if the port cannot carry it. */
static bool
netdev_xsk_note_mtu(struct netdev_xsk *dev, int mtu)
    OVS_REQUIRES(dev->mutex)
{
    const char *name = netdev_get_name(&dev->linux_.up);
    char *error = dev->port ? xsk_port_check_mtu(name, dev->port, mtu) : NULL;

    netdev_xsk_replace_error(dev, &dev->mtu_error, error);
    return error != NULL;
}

/* Opens the port anew, with the requested options, or else with those that it
 * had.  If neither works, the port stays in the datapath without sockets until
 * its device changes or it is configured again. */
static void
netdev_xsk_reopen(struct netdev_xsk *dev, int numa_id)
    OVS_REQUIRES(dev->mutex)
{
    struct netdev *netdev = &dev->linux_.up;
    struct xsk_options previous = (dev->port ? dev->port->options
                                   : dev->requested);
    struct xsk_port *port = NULL;
    char *message = NULL;
    char *ignored = NULL;

    if (dev->port) {
        dev->past_lost_tags += xdp_prog_n_lost_tags(dev->port->prog);
        xsk_port_close(dev->port, &dev->past_stats);
        dev->port = NULL;
    }
    dev->reopen = false;

    if (xsk_port_open(netdev, &dev->requested, numa_id, &port, &message)
        && memcmp(&previous, &dev->requested, sizeof previous)) {
        if (!xsk_port_open(netdev, &previous, numa_id, &port, &ignored)) {
            char *refused = message;

            message = xasprintf("%s; the previous options stay in force",
                                refused);
            free(refused);
        }
        free(ignored);
    }
    if (port) {
        netdev_xsk_use_port(dev, port);
    }
    netdev_xsk_set_error(dev, message);
}

static int
netdev_xsk_reconfigure(struct netdev *netdev)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    int numa_id = device_numa_id(netdev);
    int mtu = 0;
    bool has_mtu = !netdev_get_mtu(netdev, &mtu);

    ovs_mutex_lock(&dev->mutex);
    if (dev->has_options && dev->reopen) {
        netdev_xsk_reopen(dev, numa_id);
        if (has_mtu) {
            netdev_xsk_note_mtu(dev, mtu);
        }
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xsk_set_mtu(struct netdev *netdev, int mtu)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    bool refused = netdev_xsk_note_mtu(dev, mtu);
    ovs_mutex_unlock(&dev->mutex);
    return refused ? EINVAL : netdev_linux_class.set_mtu(netdev, mtu);
}

/* Does what netdev_xsk_link_changed() must for the link of 'dev', with a null
 * 'change' if that is not known. */
static void
netdev_xsk_note_change(struct netdev_xsk *dev,
                       const struct rtnetlink_change *change)
{
    struct netdev *netdev = &dev->linux_.up;

    ovs_mutex_lock(&dev->mutex);
    const struct xsk_port *port = dev->port;
    int ifindex = port ? port->ifindex : 0;

    if (!change) {
        /* netdev-linux also reports a change of MAC address this way, while it
         * updates the device and holds its mutex. */
        if (!ovs_mutex_trylock(&dev->linux_.mutex)) {
            dev->linux_.cache_valid = 0;
            ovs_mutex_unlock(&dev->linux_.mutex);
        }
        netdev_change_seq_changed(netdev);
    }

    /* A device that has left the namespace and is back already is the same in
     * name and number, but the kernel has unbound our sockets. */
    if (if_nametoindex(netdev_get_name(netdev)) != ifindex
        || (port && xsk_lost_device(port->xsks[0]))) {
        dev->reopen = true;
        netdev_request_reconfigure(netdev);
    }

    if (change && change->if_index == ifindex && change->mtu
        && change->mtu != dev->device_mtu) {
        dev->device_mtu = change->mtu;
        netdev_xsk_note_mtu(dev, change->mtu);
    }
    ovs_mutex_unlock(&dev->mutex);
}

/* Called when a link has changed, or with a null 'change' when the kernel had
 * to drop such messages.  Main thread. */
static void
netdev_xsk_link_changed(const struct rtnetlink_change *change,
                        void *class)
{
    struct shash devices = SHASH_INITIALIZER(&devices);
    struct shash_node *node;

    if (change && !rtnetlink_type_is_rtnlgrp_link(change->nlmsg_type)) {
        return;
    }

    netdev_get_devices(class, &devices);
    SHASH_FOR_EACH (node, &devices) {
        struct netdev_xsk *dev = netdev_xsk_cast(node->data);

        ovs_mutex_lock(&dev->mutex);
        int ifindex = dev->port ? dev->port->ifindex : 0;
        ovs_mutex_unlock(&dev->mutex);
        if (!change || change->if_index == ifindex
            || (change->ifname && !strcmp(change->ifname, node->name))) {
            netdev_xsk_note_change(dev, change);
        }
        netdev_close(node->data);
    }
    shash_destroy(&devices);
}

/* Life cycle. */

static struct netdev *
netdev_xsk_alloc(void)
{
    struct netdev_xsk *dev = xzalloc(sizeof *dev);

    return &dev->linux_.up;
}

static int
netdev_xsk_construct(struct netdev *netdev)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    int error = netdev_linux_construct(netdev);

    if (error) {
        return error;
    }

    /* netdev-linux offers what the device's own transmit path can do. */
    netdev->ol_flags = 0;
    ovs_mutex_init(&dev->mutex);
    late_report_init(&dev->report, netdev);
    atomic_init(&dev->tx_drop_no_socket, 0);
    return 0;
}

static void
netdev_xsk_destruct(struct netdev *netdev)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);

    late_report_destroy(&dev->report);
    xsk_port_close(dev->port, NULL);
    free(dev->error);
    free(dev->mtu_error);
    ovs_mutex_destroy(&dev->mutex);
    netdev_linux_class.destruct(netdev);
}

static void
netdev_xsk_dealloc(struct netdev *netdev)
{
    free(netdev_xsk_cast(netdev));
}

/* Packets. */

static struct xsk *
netdev_xsk_rxq_socket(const struct netdev_rxq *rxq)
{
    const struct xsk_port *port = netdev_xsk_cast(rxq->netdev)->port;

    return port ? port->xsks[rxq->queue_id % port->n_xsks] : NULL;
}

static struct netdev_rxq *
netdev_xsk_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
netdev_xsk_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
netdev_xsk_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
    /* The sockets are the port's. */
}

static void
netdev_xsk_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

static int
netdev_xsk_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                    int *qfill)
{
    struct xsk *xsk = netdev_xsk_rxq_socket(rxq);

    if (OVS_UNLIKELY(!xsk)) {
        return EAGAIN;
    }
    if (qfill) {
        *qfill = -ENOTSUP;
    }
    xsk_poll_tx(xsk);
    return xsk_recv(xsk, batch);
}

/* Each socket is waited for once, by the first of the queues that show it. */
static void
netdev_xsk_rxq_wait(struct netdev_rxq *rxq)
{
    const struct xsk_port *port = netdev_xsk_cast(rxq->netdev)->port;

    if (port && rxq->queue_id < port->n_xsks) {
        struct xsk *xsk = port->xsks[rxq->queue_id];

        poll_fd_wait(xsk->fd, POLLIN);
        if (xsk_flush_tx(xsk)) {
            poll_timer_wait(1);
        }
    }
}

static int
netdev_xsk_rxq_drain(struct netdev_rxq *rxq)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    while (!netdev_xsk_rxq_recv(rxq, &batch, NULL)) {
        dp_packet_delete_batch(&batch, true);
    }
    return 0;
}

static int
netdev_xsk_send(struct netdev *netdev, int qid, struct dp_packet_batch *batch,
                bool concurrent_txq OVS_UNUSED)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    const struct xsk_port *port = dev->port;

    if (OVS_UNLIKELY(!port)) {
        uint64_t orig;

        atomic_add_relaxed(&dev->tx_drop_no_socket,
                           dp_packet_batch_size(batch), &orig);
        dp_packet_delete_batch(batch, true);
        return ENODEV;
    }
    xsk_send(port->xsks[qid % port->n_txq], batch);
    return 0;
}

/* Reporting. */

static void
netdev_xsk_sum_stats(struct netdev_xsk *dev, struct xsk_stats *stats)
    OVS_REQUIRES(dev->mutex)
{
    *stats = dev->past_stats;
    for (int i = 0; dev->port && i < dev->port->n_xsks; i++) {
        xsk_add_stats(dev->port->xsks[i], stats);
    }
}

/* The number of packets dropped for want of room for their VLAN tag. */
static uint64_t
netdev_xsk_n_lost_tags(const struct netdev_xsk *dev)
    OVS_REQUIRES(dev->mutex)
{
    return dev->past_lost_tags + (dev->port
                                  ? xdp_prog_n_lost_tags(dev->port->prog)
                                  : 0);
}

/* Counts what passed between the device and Open vSwitch.  The kernel's own
 * counters of the device include what never came here. */
static int
netdev_xsk_get_stats(const struct netdev *netdev, struct netdev_stats *stats)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    struct netdev_stats kernel;
    struct xsk_stats s;
    uint64_t no_socket;

    ovs_mutex_lock(&dev->mutex);
    netdev_xsk_sum_stats(dev, &s);
    stats->rx_dropped = netdev_xsk_n_lost_tags(dev);
    if (!get_stats_via_netlink(netdev, &kernel)) {
        stats->rx_errors = kernel.rx_errors;
        stats->tx_errors = kernel.tx_errors;
        stats->collisions = kernel.collisions;
        stats->rx_length_errors = kernel.rx_length_errors;
        stats->rx_over_errors = kernel.rx_over_errors;
        stats->rx_crc_errors = kernel.rx_crc_errors;
        stats->rx_frame_errors = kernel.rx_frame_errors;
        stats->rx_fifo_errors = kernel.rx_fifo_errors;
        stats->rx_missed_errors = kernel.rx_missed_errors;
        stats->tx_aborted_errors = kernel.tx_aborted_errors;
        stats->tx_carrier_errors = kernel.tx_carrier_errors;
        stats->tx_fifo_errors = kernel.tx_fifo_errors;
        stats->tx_heartbeat_errors = kernel.tx_heartbeat_errors;
        stats->tx_window_errors = kernel.tx_window_errors;
    }
    ovs_mutex_unlock(&dev->mutex);

    atomic_read_relaxed(&dev->tx_drop_no_socket, &no_socket);
    stats->rx_packets = s.n[XSK_RX_PACKETS];
    stats->rx_bytes = s.n[XSK_RX_BYTES];
    stats->tx_packets = s.n[XSK_TX_PACKETS];
    stats->tx_bytes = s.n[XSK_TX_BYTES];
    stats->rx_dropped += (s.n[XSK_XDP_RX_DROPPED]
                          + s.n[XSK_XDP_RX_RING_FULL]
                          + s.n[XSK_RX_DROP_BAD_DESC]
                          + s.n[XSK_RX_DROP_OVERSIZE]
                          + s.n[XSK_RX_DROP_CLOSED]);
    stats->tx_dropped = (s.n[XSK_TX_DROP_RING_FULL]
                         + s.n[XSK_TX_DROP_NO_FRAME]
                         + s.n[XSK_TX_DROP_OVERSIZE]
                         + s.n[XSK_TX_DROP_DEVICE]
                         + s.n[XSK_TX_DROP_CLOSED]
                         + s.n[XSK_XDP_TX_INVALID_DESCS] + no_socket);
    return 0;
}

static void
add_custom_counter(struct netdev_custom_stats *stats, uint64_t value,
                   const char *format, ...)
    OVS_PRINTF_FORMAT(3, 4);

static void
add_custom_counter(struct netdev_custom_stats *stats, uint64_t value,
                   const char *format, ...)
{
    struct netdev_custom_counter *counter = &stats->counters[stats->size++];
    va_list args;

    counter->value = value;
    va_start(args, format);
    vsnprintf(counter->name, sizeof counter->name, format, args);
    va_end(args);
}

/* Reports the kernel's counters for each socket, named as the in-tree type
 * names them, and our own for the port. */
static int
netdev_xsk_get_custom_stats(const struct netdev *netdev,
                            struct netdev_custom_stats *stats)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);
    const int n_kernel = XSK_N_COUNTERS - XSK_XDP_RX_DROPPED;
    struct xsk_stats sum;
    uint64_t no_socket;

    ovs_mutex_lock(&dev->mutex);
    int n_xsks = dev->port ? dev->port->n_xsks : 0;

    stats->size = 0;
    stats->counters = xcalloc(n_xsks * n_kernel + XSK_N_COUNTERS + 2,
                              sizeof *stats->counters);
    for (int q = 0; q < n_xsks; q++) {
        const struct xsk *xsk = dev->port->xsks[q];
        struct xsk_stats s = { .n = { 0 } };

        xsk_add_stats(xsk, &s);
        for (int i = XSK_XDP_RX_DROPPED; i < XSK_N_COUNTERS; i++) {
            add_custom_counter(stats, s.n[i], "xsk_queue_%"PRIu32"_%s",
                               xsk->config.queue_id, xsk_counter_name(i));
        }
    }

    netdev_xsk_sum_stats(dev, &sum);
    for (int i = 0; i < XSK_XDP_RX_DROPPED; i++) {
        if (i != XSK_RX_PACKETS && i != XSK_RX_BYTES
            && i != XSK_TX_PACKETS && i != XSK_TX_BYTES) {
            add_custom_counter(stats, sum.n[i], "%s", xsk_counter_name(i));
        }
    }
    atomic_read_relaxed(&dev->tx_drop_no_socket, &no_socket);
    add_custom_counter(stats, no_socket, "tx_drop_no_socket");
    add_custom_counter(stats, netdev_xsk_n_lost_tags(dev),
                       "rx_drop_vlan_tag");
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xsk_get_status(const struct netdev *netdev, struct smap *args)
{
    struct netdev_xsk *dev = netdev_xsk_cast(netdev);

    /* The driver's name and version.  Not every driver has them. */
    netdev_linux_get_status(netdev, args);

    ovs_mutex_lock(&dev->mutex);
    const struct xsk_port *port = dev->port;
    if (port) {
        smap_add(args, "xdp-mode", mode_names[port->mode]);
        if (port->why_not_better) {
            smap_add(args, "xdp-mode-reason", port->why_not_better);
        }
        smap_add(args, "zero-copy", port->xsks[0]->zerocopy ? "true"
                                    : "false");
        smap_add(args, "tx-csum", port->tx_csum);
        smap_add(args, "rx-csum-partial", port->rx_csum_partial ? "true"
                                          : "false");
        smap_add(args, "vlan-tags",
                 port->restores_vlan_tags ? "restored" : "as-received");
        smap_add_format(args, "device-queues", "%d", port->n_queues);
        smap_add_format(args, "n_rxq", "%d", port->n_xsks);
        smap_add_format(args, "n_txq", "%d", port->n_txq);
        smap_add_format(args, "start-qid", "%d", port->options.start_qid);
        smap_add_format(args, "n_rxq_desc", "%d", port->options.n_rxq_desc);
        smap_add_format(args, "n_txq_desc", "%d", port->options.n_txq_desc);
        smap_add_format(args, "max-mtu", "%d", port->max_mtu);
        if (port->numa_id >= 0) {
            smap_add_format(args, "numa_id", "%d", port->numa_id);
        }
    } else {
        smap_add(args, "xdp-mode", "none");
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

/* "xsk/show [interface]" */
static void
netdev_xsk_unixctl_show(struct unixctl_conn *conn, int argc,
                        const char *argv[], void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool found = false;

    for (int i = 0; i < ARRAY_SIZE(xsk_classes); i++) {
        struct shash devices = SHASH_INITIALIZER(&devices);

        netdev_get_devices(xsk_classes[i], &devices);

        const struct shash_node **nodes = shash_sort(&devices);
        for (size_t j = 0; j < shash_count(&devices); j++) {
            struct netdev *netdev = nodes[j]->data;
            struct netdev_xsk *dev = netdev_xsk_cast(netdev);

            ovs_mutex_lock(&dev->mutex);
            const struct xsk_port *port = dev->port;
            if (argc < 2 || !strcmp(argv[1], nodes[j]->name)) {
                found = true;
                ds_put_format(&s, "%s (%s): %s\n", nodes[j]->name,
                              netdev_get_type(netdev),
                              port ? mode_names[port->mode] : "no sockets");
                for (int q = 0; port && q < port->n_xsks; q++) {
                    xsk_format(port->xsks[q], &s);
                }
            }
            ovs_mutex_unlock(&dev->mutex);
            netdev_close(netdev);
        }
        free(nodes);
        shash_destroy(&devices);
    }

    if (argc > 1 && !found) {
        ds_put_format(&s, "%s: no such AF_XDP interface", argv[1]);
        unixctl_command_reply_error(conn, ds_cstr(&s));
    } else {
        unixctl_command_reply(conn, ds_cstr(&s));
    }
    ds_destroy(&s);
}

/* Classes. */

static void
netdev_xsk_register_class(struct netdev_class *class, const char *type,
                          bool is_pmd)
{
    *class = netdev_linux_class;
    class->type = type;
    class->is_pmd = is_pmd;
    class->alloc = netdev_xsk_alloc;
    class->construct = netdev_xsk_construct;
    class->destruct = netdev_xsk_destruct;
    class->dealloc = netdev_xsk_dealloc;
    class->get_config = netdev_xsk_get_config;
    class->set_config = netdev_xsk_set_config;
    class->reconfigure = netdev_xsk_reconfigure;
    class->set_miimon_interval = NULL;
    class->get_numa_id = netdev_afxdp_class.get_numa_id;
    class->set_mtu = netdev_xsk_set_mtu;
    class->send = netdev_xsk_send;
    class->get_stats = netdev_xsk_get_stats;
    class->get_custom_stats = netdev_xsk_get_custom_stats;
    class->get_status = netdev_xsk_get_status;
    class->rxq_alloc = netdev_xsk_rxq_alloc;
    class->rxq_construct = netdev_xsk_rxq_construct;
    class->rxq_destruct = netdev_xsk_rxq_destruct;
    class->rxq_dealloc = netdev_xsk_rxq_dealloc;
    class->rxq_recv = netdev_xsk_rxq_recv;
    class->rxq_wait = netdev_xsk_rxq_wait;
    class->rxq_drain = netdev_xsk_rxq_drain;
    netdev_register_provider(class);
    rtnetlink_notifier_create(netdev_xsk_link_changed, class);
}

/* Registers both types.  Call once, while Open vSwitch registers its own. */
void
netdev_xsk_register(void)
{
    netdev_xsk_register_class(&netdev_afxdp_polling_class, "afxdp-polling",
                              true);
    netdev_xsk_register_class(&netdev_afxdp_interrupt_class,
                              "afxdp-interrupt", false);
    unixctl_command_register("xsk/show", "[interface]", 0, 1,
                             netdev_xsk_unixctl_show, NULL);
}
