/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The interface types "vhostuser" and "vhostuserclient": a virtio network
 * device of a virtual machine, reached through vhost-user.  The first creates
 * the socket that the machine connects to, the second connects to one. */

#include "vhost-class.h"

#include <errno.h>
#include <grp.h>
#include <linux/virtio_net.h>
#include <pwd.h>
#include <rte_vhost.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "dirs.h"
#include "dp-packet.h"
#include "eal.h"
#include "fatal-signal.h"
#include "frame-pool.h"
#include "hash.h"
#include "if-notifier.h"
#include "late-report.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "port-options.h"
#include "smap.h"
#include "unixctl.h"
#include "userspace-tso.h"
#include "util.h"
#include "vhost/device.h"
#include "vhost/memory.h"
#include "vhost/socket.h"

VLOG_DEFINE_THIS_MODULE(netdev_vhost);

/* Frames that an rx queue may have on their way at a time: some bursts of
 * packets that fit in one each.  A frame that another port sends is counted
 * there.  A burst of larger packets takes more, out of what a pool has beyond
 * its reservations, but only until they have been put together. */
#define RXQ_FRAMES 256

/* The least MTU of IPv4 (RFC 791), and what fits in the largest packet, whose
 * memory DPDK counts in 16 bits, with 128 bytes of room in front. */
#define MIN_MTU 68
#define MAX_MTU (UINT16_MAX - 128 - ETH_HEADER_LEN - 2 * VLAN_HEADER_LEN)

/* Features that are never offered: Open vSwitch cannot cut UDP into segments
 * or fragments, and sets the CWR flag of TCP (RFC 3168) on each segment.
 * "gso" promises all of these. */
#define FEATURES_NEVER (VHOST_F_BIT(VIRTIO_NET_F_GUEST_UFO)     \
                        | VHOST_F_BIT(VIRTIO_NET_F_HOST_UFO)    \
                        | VHOST_F_BIT(VIRTIO_NET_F_GUEST_ECN)   \
                        | VHOST_F_BIT(VIRTIO_NET_F_HOST_ECN)    \
                        | VHOST_F_BIT(54)   /* GUEST_USO4 */    \
                        | VHOST_F_BIT(55)   /* GUEST_USO6 */    \
                        | VHOST_F_BIT(56)   /* HOST_USO */      \
                        | VHOST_F_BIT(6))   /* GSO, obsolete. */

#define FEATURES_CSUM (VHOST_F_BIT(VIRTIO_NET_F_CSUM)           \
                       | VHOST_F_BIT(VIRTIO_NET_F_GUEST_CSUM))

#define FEATURES_TSO (VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO4)      \
                      | VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO6)    \
                      | VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO4)     \
                      | VHOST_F_BIT(VIRTIO_NET_F_HOST_TSO6))

#define FEATURE_CTRL_VQ VHOST_F_BIT(VIRTIO_NET_F_CTRL_VQ)

/* What a guest asks for on the control queue. */
#define FEATURES_CTRL (VHOST_F_BIT(VIRTIO_NET_F_CTRL_RX)            \
                       | VHOST_F_BIT(VIRTIO_NET_F_CTRL_VLAN)        \
                       | VHOST_F_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE)   \
                       | VHOST_F_BIT(VIRTIO_NET_F_MQ)               \
                       | VHOST_F_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR))

/* VIRTIO_F_ACCESS_PLATFORM and VIRTIO_F_RING_PACKED. */
#define FEATURES_IOMMU VHOST_F_BIT(33)
#define FEATURES_PACKED VHOST_F_BIT(34)

/* Options. */

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

static char *
parse_path(const char *s, void *path_)
{
    char *path = path_;
    size_t size = sizeof ((struct vhost_options *) NULL)->server_path;

    if (!s || (s[0] == '/' && strlen(s) < size)) {
        ovs_strlcpy(path, s ? s : "", size);
        return NULL;
    }
    return xasprintf("an absolute path of at most %zu characters", size - 1);
}

static void
format_path(const void *path, struct ds *s)
{
    ds_put_cstr(s, path);
}

static char *
parse_mask(const char *s, void *mask_)
{
    uint64_t *mask = mask_;

    *mask = UINT64_MAX;
    if (!s || (s[0] != '-' && str_to_ullong(s, 0, (unsigned long long *) mask)
               && s[0])) {
        return NULL;
    }
    return xstrdup("a number of 64 bits, such as 0xfffffff3ff91fffb");
}

static void
format_mask(const void *mask, struct ds *s)
{
    ds_put_format(s, "0x%"PRIx64, *(const uint64_t *) mask);
}

static char *
parse_mode(const char *s, void *mode_)
{
    int *mode = mode_;

    *mode = 0660;
    if (!s || (str_to_int(s, 8, mode) && *mode >= 0 && *mode <= 0777
               && !(*mode & S_IWOTH))) {
        return NULL;
    }
    return xstrdup("octal permission bits from 0 to 0775 that do not let "
                   "everyone write");
}

static void
format_mode(const void *mode, struct ds *s)
{
    ds_put_format(s, "%04o", *(const int *) mode);
}

/* Looks up 's', a name or a number, with 'lookup'. */
static bool
parse_id(const char *s, bool (*lookup)(const char *, uint32_t *), uint32_t *id)
{
    return s[0] && (lookup(s, id) || str_to_uint(s, 10, id));
}

static bool
lookup_user(const char *name, uint32_t *uid)
{
    const struct passwd *pw = getpwnam(name);

    *uid = pw ? pw->pw_uid : UINT32_MAX;
    return pw;
}

static bool
lookup_group(const char *name, uint32_t *gid)
{
    const struct group *gr = getgrnam(name);

    *gid = gr ? gr->gr_gid : UINT32_MAX;
    return gr;
}

static char *
parse_owner(const char *s, void *owner_)
{
    struct vhost_owner *owner = owner_;
    bool ok = true;

    owner->uid = owner->gid = UINT32_MAX;
    if (s) {
        char *user = xstrdup(s);
        char *group = strchr(user, ':');

        if (group) {
            *group++ = '\0';
        }
        ok = (strlen(s) < sizeof owner->name
              && ((!user[0] && group)
                  || parse_id(user, lookup_user, &owner->uid))
              && (!group || parse_id(group, lookup_group, &owner->gid)));
        ovs_strlcpy(owner->name, s, sizeof owner->name);
        free(user);
    }
    return ok ? NULL : xstrdup("USER, USER:GROUP or :GROUP, which exist");
}

static void
format_owner(const void *owner_, struct ds *s)
{
    const struct vhost_owner *owner = owner_;

    ds_put_cstr(s, owner->name);
}

/* The first is for "vhostuserclient" only, the last two for "vhostuser". */
#define N_CLIENT_ONLY 1
#define N_SERVER_ONLY 2
static const struct port_option option_table[] = {
#define OPTION(NAME, MEMBER, ...) \
    { .name = NAME, .ofs = offsetof(struct vhost_options, MEMBER),  \
      __VA_ARGS__ }
    OPTION("vhost-server-path", server_path, .parse = parse_path,
           .format = format_path),
    OPTION("csum-offload", csum_offload, .default_value = true,
           .names = port_option_bool),
    OPTION("tso-offload", tso_offload, .names = port_option_auto),
    OPTION("feature-mask", feature_mask, .parse = parse_mask,
           .format = format_mask),
    OPTION("max-queue-pairs", max_queue_pairs,
           .default_value = VHOST_MAX_QUEUE_PAIRS,
           .min = 1, .max = VHOST_MAX_QUEUE_PAIRS),
    OPTION("tx-retries-max", tx_retries_max, .default_value = 8,
           .min = 0, .max = 32),
    OPTION("iommu-support", iommu_support, .names = port_option_bool),
    OPTION("postcopy-support", postcopy_support, .names = port_option_bool),
    OPTION("packed-ring", packed_ring, .default_value = true,
           .names = port_option_bool),
    OPTION("socket-mode", socket_mode, .parse = parse_mode,
           .format = format_mode),
    OPTION("socket-owner", socket_owner, .parse = parse_owner,
           .format = format_owner),
#undef OPTION
};

/* Devices. */

struct netdev_vhost {
    struct netdev up;

    struct late_report report;          /* Of a new port, or an error. */

    /* Protects all that follows. */
    struct ovs_mutex mutex;

    struct vhost_options requested;
    struct vhost_options options;       /* In force for new connections. */
    bool has_options;                   /* Both are valid. */
    bool reopen;                        /* 'requested' takes a new socket. */
    char *path;                         /* Of the socket. */
    char *error;                        /* For the "error" column, or null. */
    struct eth_addr mac;
    int mtu;
    enum netdev_flags flags;
    struct vhost_stats past_stats;      /* Of devices closed since... */
    long long int past_resets;          /* ...and their carrier resets. */
    atomic_uint64_t tx_drop_no_socket;

    struct frame_pool *pool;
    uint32_t n_frames;                  /* Reserved in 'pool'. */
    int numa_id;                        /* Asked of the pool; -1: any. */

    /* Null if the socket could not be made again.  Changes only while no
     * thread uses the port's queues, so these read it without the mutex. */
    struct vhost_dev *dev;
};

static struct netdev_class netdev_vhostuser_class;
static struct netdev_class netdev_vhostuserclient_class;
static const struct netdev_class *const vhost_classes[] = {
    &netdev_vhostuser_class,
    &netdev_vhostuserclient_class,
};

bool
is_netdev_vhost(const struct netdev *netdev)
{
    const struct netdev_class *class = netdev_get_class(netdev);

    return (class == &netdev_vhostuser_class
            || class == &netdev_vhostuserclient_class);
}

static struct netdev_vhost *
netdev_vhost_cast(const struct netdev *netdev)
{
    ovs_assert(is_netdev_vhost(netdev));
    return CONTAINER_OF(netdev, struct netdev_vhost, up);
}

static bool
netdev_vhost_is_client(const struct netdev *netdev)
{
    return netdev_get_class(netdev) == &netdev_vhostuserclient_class;
}

/* Stores in '*n' the number of options of 'netdev', and returns them. */
static const struct port_option *
netdev_vhost_option_table(const struct netdev *netdev, size_t *n)
{
    if (netdev_vhost_is_client(netdev)) {
        *n = ARRAY_SIZE(option_table) - N_SERVER_ONLY;
        return option_table;
    }
    *n = ARRAY_SIZE(option_table) - N_CLIENT_ONLY;
    return option_table + N_CLIENT_ONLY;
}

/* Derives from 'options' what may be offered to a guest. */
static void
vhost_options_to_config(const struct vhost_options *options,
                        struct vhost_config *config)
{
    uint64_t features = options->feature_mask & ~FEATURES_NEVER;
    bool tso = (options->tso_offload == PORT_OPTION_AUTO
                ? userspace_tso_enabled()
                : options->tso_offload == PORT_OPTION_TRUE);

    if (!options->csum_offload) {
        features &= ~FEATURES_CSUM;
    }

    /* A driver refuses a device that offers something without what that
     * depends on; see "Feature bit requirements" in the virtio specification.
     * So the mask need not name all. */
    if (!(features & FEATURE_CTRL_VQ)) {
        features &= ~FEATURES_CTRL;
    }
    if (!tso || (features & FEATURES_CSUM) != FEATURES_CSUM) {
        features &= ~FEATURES_TSO;
    }
    if (!options->iommu_support) {
        features &= ~FEATURES_IOMMU;
    }
    if (!options->packed_ring) {
        features &= ~FEATURES_PACKED;
    }

    config->features = features;
    config->max_queue_pairs = options->max_queue_pairs;
    config->tx_retries_max = options->tx_retries_max;
}

/* Checks what the table of options cannot say.  Returns 0, or EINVAL with
 * '*errp' set to a message for the caller to free. */
static int
netdev_vhost_check_options(const struct netdev *netdev,
                           const struct vhost_options *options, char **errp)
{
    const char *name = netdev_get_name(netdev);
    char *reason = NULL;

    if (netdev_vhost_is_client(netdev)) {
        if (!options->server_path[0]) {
            *errp = xasprintf("%s: options:vhost-server-path is missing; it "
                              "must be the absolute path of the socket that "
                              "the guest listens on", name);
        } else {
            reason = vhost_socket_check_client(options->server_path);
            if (reason) {
                *errp = xasprintf("%s: options:vhost-server-path: %s", name,
                                  reason);
            }
        }
    } else if (strchr(name, '/')) {
        *errp = xasprintf("%s: the name of a vhostuser interface must not "
                          "contain \"/\", since it names the socket", name);
    }
    if (!*errp && options->tso_offload == PORT_OPTION_TRUE) {
        if (!options->csum_offload) {
            *errp = xasprintf("%s: options:tso-offload=true is not valid "
                              "together with options:csum-offload=false; it "
                              "must be false", name);
        } else if (!userspace_tso_enabled()) {
            *errp = xasprintf("%s: options:tso-offload=true is not valid "
                              "unless other_config:userspace-tso-enable=true "
                              "was set when the daemon started; it must be "
                              "false", name);
        }
    }
    free(reason);
    return *errp ? EINVAL : 0;
}

/* Life of the socket. */

/* Opens the socket of 'dev' with the options 'options'.  Returns 0, or a
 * positive errno value with '*errp' set to a message for the caller to free. */
static int
netdev_vhost_open(struct netdev_vhost *dev,
                  const struct vhost_options *options, char **errp)
    OVS_REQUIRES(dev->mutex)
{
    struct netdev *netdev = &dev->up;
    const char *name = netdev_get_name(netdev);
    bool client = netdev_vhost_is_client(netdev);
    struct vhost_config config;
    uint64_t flags = 0;
    char *reason = NULL;
    char *path = NULL;
    mode_t mask = 0;
    int error;

    if (!dev->pool) {
        dev->n_frames = RXQ_FRAMES;
        dev->numa_id = -1;
        error = frame_pool_acquire(dev->numa_id, dev->n_frames, &dev->pool,
                                   &reason);
        if (error) {
            goto out;
        }
    }

    if (client) {
        path = xstrdup(options->server_path);
    } else {
        path = xasprintf("%s/%s", ovs_rundir(), name);
        reason = vhost_socket_prepare_server(path);
        if (reason) {
            error = EINVAL;
            goto out;
        }

        /* Nobody else may connect before the permissions are set. */
        mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    }

    if (options->iommu_support) {
        flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
    }
    if (options->postcopy_support) {
        flags |= RTE_VHOST_USER_POSTCOPY_SUPPORT;
    }
    vhost_options_to_config(options, &config);
    error = vhost_dev_open(netdev, path, client, flags, &config, &dev->dev,
                           &reason);
    if (!client) {
        umask(mask);
        if (!error) {
            const struct vhost_socket_access access = {
                .mode = options->socket_mode,
                .uid = options->socket_owner.uid,
                .gid = options->socket_owner.gid,
            };

            reason = vhost_socket_set_access(path, &access);
            if (reason) {
                vhost_dev_close(dev->dev, NULL);
                dev->dev = NULL;
                error = EPERM;
            }
        }
    }

out:
    if (error) {
        *errp = xasprintf("%s: %s", name, reason);
        free(reason);
        free(path);
        return error;
    }

    dev->options = *options;
    free(dev->path);
    dev->path = path;
    atomic_store_relaxed(&dev->dev->mtu, dev->mtu);
    atomic_store_relaxed(&dev->dev->up, (dev->flags & NETDEV_UP) != 0);
    vhost_dev_run(dev->dev, dev->pool);
    if (!client) {
        fatal_signal_add_file_to_unlink(path);
    }
    VLOG_INFO("%s: %s %s", name, client ? "connecting to" : "listening on",
              path);
    return 0;
}

static void
netdev_vhost_close(struct netdev_vhost *dev)
    OVS_REQUIRES(dev->mutex)
{
    if (!dev->dev) {
        return;
    }
    if (!netdev_vhost_is_client(&dev->up)) {
        fatal_signal_remove_file_to_unlink(dev->path);
    }
    dev->past_resets += vhost_dev_carrier_resets(dev->dev);
    vhost_dev_close(dev->dev, &dev->past_stats);
    dev->dev = NULL;
}

/* Configuration. */

/* Makes 'error', of which it takes ownership, the text of the "error" column,
 * and logs it when it is new. */
static void
netdev_vhost_set_error(struct netdev_vhost *dev, char *error)
    OVS_REQUIRES(dev->mutex)
{
    if (error && !nullable_string_is_equal(dev->error, error)) {
        VLOG_ERR("%s", error);
    }
    if (dev->error && !error) {
        /* Only a reconfiguration of the bridge clears the column. */
        if_notifier_manual_report();
    }
    if (dev->error || error) {
        late_report_request(&dev->report, !error);
    }
    free(dev->error);
    dev->error = error;

    /* Have the bridge ask for the error: it forgets the last one whenever it
     * reconfigures the port. */
    netdev_change_seq_changed(&dev->up);
}

/* Returns what is wrong with 'netdev', a port in the datapath, in a string for
 * the caller to free, or null if nothing is. */
char *
netdev_vhost_get_error(const struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    char *error = nullable_xstrdup(dev->error);
    ovs_mutex_unlock(&dev->mutex);
    return error;
}

/* True if going from 'a' to 'b' takes another socket. */
static bool
needs_reopen(const struct vhost_options *a, const struct vhost_options *b)
{
    return (strcmp(a->server_path, b->server_path)
            || a->iommu_support != b->iommu_support
            || a->postcopy_support != b->postcopy_support);
}

/* Puts 'dev->requested', which has been checked, in force.  Main thread. */
static void
netdev_vhost_apply(struct netdev_vhost *dev)
    OVS_REQUIRES(dev->mutex)
{
    struct vhost_config config;
    char *error = NULL;

    if (!dev->dev || needs_reopen(&dev->options, &dev->requested)) {
        dev->reopen = true;
        netdev_request_reconfigure(&dev->up);
        return;
    }

    if (!netdev_vhost_is_client(&dev->up)) {
        const struct vhost_socket_access access = {
            .mode = dev->requested.socket_mode,
            .uid = dev->requested.socket_owner.uid,
            .gid = dev->requested.socket_owner.gid,
        };

        error = vhost_socket_set_access(dev->path, &access);
    }
    if (error) {
        netdev_vhost_set_error(dev, xasprintf("%s: %s; the previous options "
                                              "stay in force",
                                              netdev_get_name(&dev->up),
                                              error));
        free(error);
    } else {
        vhost_options_to_config(&dev->requested, &config);
        vhost_dev_set_config(dev->dev, &config);
        dev->options = dev->requested;
        if (dev->error) {
            netdev_vhost_set_error(dev, NULL);
        }
    }
}

/* Takes 'options' in place of earlier ones of 'dev'.  'same' if they are those
 * that were last asked for. */
static void
netdev_vhost_take_options(struct netdev_vhost *dev,
                          const struct vhost_options *options, bool same)
    OVS_REQUIRES(dev->mutex)
{
    struct vhost_wants wants;

    if (!same || !dev->dev) {
        dev->requested = *options;
        netdev_vhost_apply(dev);
    } else if (dev->error) {
        /* What takes a new socket is not tried again while there is a guest:
         * it would be disconnected whenever something is configured. */
        if (needs_reopen(&dev->options, options)
            && vhost_dev_get_wants(dev->dev, &wants)) {
            netdev_vhost_set_error(dev, xstrdup(dev->error));
        } else {
            netdev_vhost_apply(dev);
        }
    }
}

/* A new port's socket is opened right here, so that the bridge sees the error
 * and does not add it.  For a port in service, bad options leave it as it is,
 * and the error goes to the "error" column: if we returned it, the bridge
 * would remove the port. */
static int
netdev_vhost_set_config(struct netdev *netdev, const struct smap *args,
                        char **errp)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    const char *name = netdev_get_name(netdev);
    struct vhost_options options;
    char *message = NULL;
    size_t n_options;
    int error;

    const struct port_option *table = netdev_vhost_option_table(netdev,
                                                                &n_options);
    memset(&options, 0, sizeof options);
    port_options_warn_unknown(name, table, n_options, args);
    error = port_options_parse(name, table, n_options, args, &options,
                               &message);
    if (!error) {
        error = eal_start(name, &message);
    }

    ovs_mutex_lock(&dev->mutex);
    bool same = (dev->has_options
                 && !memcmp(&options, &dev->requested, sizeof options));
    if (!error && !same) {
        error = netdev_vhost_check_options(netdev, &options, &message);
    }

    if (!dev->has_options) {
        if (!error) {
            error = netdev_vhost_open(dev, &options, &message);
        }
        if (!error) {
            dev->requested = options;
            dev->has_options = true;
        } else {
            VLOG_ERR("%s", message);
            *errp = message;
        }
    } else if (!error) {
        netdev_vhost_take_options(dev, &options, same);
    } else {
        netdev_vhost_set_error(dev, xasprintf("%s; the previous options stay "
                                              "in force", message));
        free(message);
        error = 0;
    }
    ovs_mutex_unlock(&dev->mutex);
    return error;
}

static int
netdev_vhost_get_config(const struct netdev *netdev, struct smap *args)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    size_t n_options;
    const struct port_option *table = netdev_vhost_option_table(netdev,
                                                                &n_options);

    ovs_mutex_lock(&dev->mutex);
    if (dev->has_options) {
        port_options_format(table, n_options, &dev->options, args);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

/* Opens the socket anew, with the requested options, or else with those that
 * the port had.  If neither works, the port stays in the datapath without a
 * socket until it is configured again. */
static void
netdev_vhost_reopen(struct netdev_vhost *dev)
    OVS_REQUIRES(dev->mutex)
{
    struct vhost_options previous = dev->options;
    char *message = NULL;
    char *ignored = NULL;

    netdev_vhost_close(dev);
    if (netdev_vhost_open(dev, &dev->requested, &message)
        && memcmp(&previous, &dev->requested, sizeof previous)) {
        if (!netdev_vhost_open(dev, &previous, &ignored)) {
            char *refused = message;

            message = xasprintf("%s; the previous options stay in force",
                                refused);
            free(refused);
        }
        free(ignored);
    }
    netdev_vhost_set_error(dev, message);
}

/* Has the port's memory fit 'wants'.  Returns false if there is none, and then
 * the port keeps what it has. */
static bool
netdev_vhost_fit_memory(struct netdev_vhost *dev,
                        const struct vhost_wants *wants)
    OVS_REQUIRES(dev->mutex)
{
    uint32_t n_frames = wants->n_pairs * RXQ_FRAMES;
    struct frame_pool *pool;
    char *message = NULL;

    if (n_frames <= dev->n_frames && wants->numa_id == dev->numa_id) {
        return true;
    }
    if (frame_pool_acquire(wants->numa_id, n_frames, &pool, &message)) {
        VLOG_ERR("%s: %s", netdev_get_name(&dev->up), message);
        free(message);
        return false;
    }
    frame_pool_release(dev->pool, dev->n_frames);
    dev->pool = pool;
    dev->n_frames = n_frames;
    dev->numa_id = wants->numa_id;
    return true;
}

static uint64_t
features_to_ol_flags(uint64_t features)
{
    const uint64_t tso = (VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO4)
                          | VHOST_F_BIT(VIRTIO_NET_F_GUEST_TSO6));

    return ((features & VHOST_F_BIT(VIRTIO_NET_F_GUEST_CSUM)
             ? NETDEV_TX_OFFLOAD_TCP_CKSUM | NETDEV_TX_OFFLOAD_UDP_CKSUM : 0)
            | ((features & tso) == tso ? NETDEV_TX_OFFLOAD_TCP_TSO : 0));
}

static int
netdev_vhost_reconfigure(struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    struct vhost_wants wants, later;

    ovs_mutex_lock(&dev->mutex);
    if (dev->reopen) {
        dev->reopen = false;
        netdev_vhost_reopen(dev);
    }
    if (dev->dev && vhost_dev_get_wants(dev->dev, &wants)) {
        vhost_dev_pause(dev->dev);
        bool fits = netdev_vhost_fit_memory(dev, &wants);
        int n_pairs = (fits ? wants.n_pairs
                       : MIN(wants.n_pairs, netdev->n_rxq));
        netdev->n_rxq = netdev->n_txq = n_pairs;
        netdev->ol_flags = features_to_ol_flags(wants.features);
        vhost_dev_run(dev->dev, dev->pool);
        if (!fits) {
            vhost_dev_forget_run(dev->dev);
        }
        if (vhost_dev_get_wants(dev->dev, &later)
            && memcmp(&later, &wants, sizeof later)) {
            /* Meanwhile, another guest took its place. */
            netdev_request_reconfigure(netdev);
        }
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

/* The node of the guest's memory, once it is known. */
static int
netdev_vhost_get_numa_id(const struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    int numa_id = (dev->numa_id >= 0 ? dev->numa_id
                   : dev->pool && dev->pool->numa_id >= 0 ? dev->pool->numa_id
                   : 0);
    ovs_mutex_unlock(&dev->mutex);
    return numa_id;
}

static int
netdev_vhost_set_etheraddr(struct netdev *netdev, const struct eth_addr mac)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    if (!eth_addr_equals(dev->mac, mac)) {
        dev->mac = mac;
        netdev_change_seq_changed(netdev);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_vhost_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *mac = dev->mac;
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_vhost_get_mtu(const struct netdev *netdev, int *mtu)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *mtu = dev->mtu;
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_vhost_set_mtu(struct netdev *netdev, int mtu)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    if (mtu < MIN_MTU || mtu > MAX_MTU) {
        VLOG_ERR("%s: an MTU of %d is not valid; it must be a number from %d "
                 "to %d", netdev_get_name(netdev), mtu, MIN_MTU, MAX_MTU);
        return EINVAL;
    }

    ovs_mutex_lock(&dev->mutex);
    if (mtu != dev->mtu) {
        dev->mtu = mtu;
        if (dev->dev) {
            atomic_store_relaxed(&dev->dev->mtu, mtu);
        }
        netdev_change_seq_changed(netdev);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_vhost_update_flags(struct netdev *netdev, enum netdev_flags off,
                          enum netdev_flags on, enum netdev_flags *old_flagsp)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    if ((off | on) & ~(NETDEV_UP | NETDEV_PROMISC)) {
        return EINVAL;
    }

    ovs_mutex_lock(&dev->mutex);
    *old_flagsp = dev->flags;
    dev->flags = (dev->flags | on) & ~off;
    if (dev->flags != *old_flagsp) {
        if (dev->dev) {
            atomic_store_relaxed(&dev->dev->up,
                                 (dev->flags & NETDEV_UP) != 0);
        }
        netdev_change_seq_changed(netdev);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

/* A number for SNMP and sFlow, which want one for each interface. */
static int
netdev_vhost_get_ifindex(const struct netdev *netdev)
{
    return (hash_string(netdev_get_name(netdev), 0) & 0x7ffffe) + 1;
}

static int
netdev_vhost_get_carrier(const struct netdev *netdev, bool *carrier)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *carrier = (dev->dev && dev->flags & NETDEV_UP
                && vhost_dev_is_running(dev->dev));
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static long long int
netdev_vhost_get_carrier_resets(const struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    long long int resets = (dev->past_resets
                            + (dev->dev ? vhost_dev_carrier_resets(dev->dev)
                               : 0));
    ovs_mutex_unlock(&dev->mutex);
    return resets;
}

/* Life cycle. */

static struct netdev *
netdev_vhost_alloc(void)
{
    struct netdev_vhost *dev = xzalloc(sizeof *dev);

    return &dev->up;
}

static int
netdev_vhost_construct(struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_init(&dev->mutex);
    atomic_init(&dev->tx_drop_no_socket, 0);
    eth_addr_random(&dev->mac);
    dev->mtu = ETH_PAYLOAD_MAX;
    dev->flags = NETDEV_UP | NETDEV_PROMISC;
    dev->numa_id = -1;
    netdev->n_rxq = netdev->n_txq = 1;

    late_report_init(&dev->report, netdev);
    late_report_request(&dev->report, false);
    return 0;
}

static void
netdev_vhost_destruct(struct netdev *netdev)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    late_report_destroy(&dev->report);
    ovs_mutex_lock(&dev->mutex);
    netdev_vhost_close(dev);
    ovs_mutex_unlock(&dev->mutex);
    if (dev->pool) {
        frame_pool_release(dev->pool, dev->n_frames);
    }
    free(dev->path);
    free(dev->error);
    ovs_mutex_destroy(&dev->mutex);
}

static void
netdev_vhost_dealloc(struct netdev *netdev)
{
    free(netdev_vhost_cast(netdev));
}

/* Packets. */

static struct netdev_rxq *
netdev_vhost_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
netdev_vhost_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
netdev_vhost_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
    /* The queues are the device's. */
}

static void
netdev_vhost_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

static int
netdev_vhost_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                      int *qfill)
{
    struct vhost_dev *dev = netdev_vhost_cast(rxq->netdev)->dev;

    if (qfill) {
        *qfill = -ENOTSUP;
    }
    return dev ? vhost_dev_recv(dev, rxq->queue_id, batch) : EAGAIN;
}

static bool
netdev_vhost_rxq_enabled(struct netdev_rxq *rxq)
{
    struct vhost_dev *dev = netdev_vhost_cast(rxq->netdev)->dev;

    return dev && vhost_dev_rxq_enabled(dev, rxq->queue_id);
}

static int
netdev_vhost_send(struct netdev *netdev, int qid,
                  struct dp_packet_batch *batch,
                  bool concurrent_txq OVS_UNUSED)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    if (OVS_UNLIKELY(!dev->dev)) {
        uint64_t orig;

        atomic_add_relaxed(&dev->tx_drop_no_socket,
                           dp_packet_batch_size(batch), &orig);
        dp_packet_delete_batch(batch, true);
        return ENODEV;
    }
    vhost_dev_send(dev->dev, qid, batch);
    return 0;
}

/* Reporting. */

static void
netdev_vhost_sum_stats(struct netdev_vhost *dev, struct vhost_stats *stats)
    OVS_REQUIRES(dev->mutex)
{
    uint64_t no_socket;

    *stats = dev->past_stats;
    if (dev->dev) {
        vhost_dev_add_stats(dev->dev, stats);
    }
    atomic_read_relaxed(&dev->tx_drop_no_socket, &no_socket);
    stats->n[VHOST_TX_DROP_NO_GUEST] += no_socket;
}

static int
netdev_vhost_get_stats(const struct netdev *netdev,
                       struct netdev_stats *stats)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    struct vhost_stats s;

    ovs_mutex_lock(&dev->mutex);
    netdev_vhost_sum_stats(dev, &s);
    ovs_mutex_unlock(&dev->mutex);

    stats->rx_packets = s.n[VHOST_RX_PACKETS];
    stats->rx_bytes = s.n[VHOST_RX_BYTES];
    stats->rx_errors = vhost_rx_errors(&s);
    stats->rx_dropped = vhost_rx_dropped(&s);
    stats->tx_packets = s.n[VHOST_TX_PACKETS];
    stats->tx_bytes = s.n[VHOST_TX_BYTES];
    stats->tx_dropped = vhost_tx_dropped(&s);
    return 0;
}

static int
netdev_vhost_get_custom_stats(const struct netdev *netdev,
                              struct netdev_custom_stats *stats)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    struct vhost_stats s;

    ovs_mutex_lock(&dev->mutex);
    netdev_vhost_sum_stats(dev, &s);
    stats->size = 0;
    stats->counters = xcalloc(VHOST_N_COUNTERS, sizeof *stats->counters);
    for (int i = 0; i < VHOST_N_COUNTERS; i++) {
        if (i != VHOST_RX_PACKETS && i != VHOST_RX_BYTES
            && i != VHOST_TX_PACKETS && i != VHOST_TX_BYTES) {
            struct netdev_custom_counter *c = &stats->counters[stats->size++];

            ovs_strlcpy(c->name, vhost_counter_name(i), sizeof c->name);
            c->value = s.n[i];
        }
    }
    if (dev->dev) {
        vhost_dev_add_vring_stats(dev->dev, stats);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_vhost_get_status(const struct netdev *netdev, struct smap *args)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    smap_add(args, "mode", netdev_vhost_is_client(netdev) ? "client"
                           : "server");
    smap_add(args, "socket", dev->path ? dev->path : "none");
    if (dev->dev) {
        vhost_dev_get_status(dev->dev, args);
    } else {
        smap_add(args, "status", "no-socket");
    }
    smap_add_format(args, "n_rxq", "%d", netdev->n_rxq);
    smap_add_format(args, "n_txq", "%d", netdev->n_txq);
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static void
netdev_vhost_format(const struct netdev *netdev, struct ds *s)
{
    struct netdev_vhost *dev = netdev_vhost_cast(netdev);
    struct smap status = SMAP_INITIALIZER(&status);
    struct vhost_stats stats;

    netdev_vhost_get_status(netdev, &status);
    ds_put_format(s, "%s (%s): %s\n", netdev_get_name(netdev),
                  netdev_get_type(netdev), smap_get_def(&status, "status",
                                                        ""));
    const struct smap_node **nodes = smap_sort(&status);
    for (size_t i = 0; i < smap_count(&status); i++) {
        if (strcmp(nodes[i]->key, "status")) {
            ds_put_format(s, "  %s: %s\n", nodes[i]->key, nodes[i]->value);
        }
    }
    free(nodes);
    smap_destroy(&status);

    ovs_mutex_lock(&dev->mutex);
    netdev_vhost_sum_stats(dev, &stats);
    ovs_mutex_unlock(&dev->mutex);
    ds_put_cstr(s, "  counters:\n");
    for (int i = 0; i < VHOST_N_COUNTERS; i++) {
        if (stats.n[i]) {
            ds_put_format(s, "    %s: %"PRIu64"\n", vhost_counter_name(i),
                          stats.n[i]);
        }
    }
}

/* "vhost/show [interface]" */
static void
netdev_vhost_unixctl_show(struct unixctl_conn *conn, int argc,
                          const char *argv[], void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool found = false;

    for (int i = 0; i < ARRAY_SIZE(vhost_classes); i++) {
        struct shash devices = SHASH_INITIALIZER(&devices);

        netdev_get_devices(vhost_classes[i], &devices);

        const struct shash_node **nodes = shash_sort(&devices);
        for (size_t j = 0; j < shash_count(&devices); j++) {
            struct netdev *netdev = nodes[j]->data;

            if (argc < 2 || !strcmp(argv[1], nodes[j]->name)) {
                found = true;
                netdev_vhost_format(netdev, &s);
            }
            netdev_close(netdev);
        }
        free(nodes);
        shash_destroy(&devices);
    }

    if (argc > 1 && !found) {
        ds_put_format(&s, "%s: no such vhost-user interface", argv[1]);
        unixctl_command_reply_error(conn, ds_cstr(&s));
    } else {
        unixctl_command_reply(conn, ds_cstr(&s));
    }
    ds_destroy(&s);
}

/* Classes. */

static void
netdev_vhost_run(const struct netdev_class *class OVS_UNUSED)
{
    vhost_memory_run();
    late_report_run();
}

static void
netdev_vhost_wait(const struct netdev_class *class OVS_UNUSED)
{
    late_report_wait();
}

static void
netdev_vhost_register_class(struct netdev_class *class, const char *type)
{
    *class = (struct netdev_class) {
        .type = type,
        .is_pmd = true,
        .run = netdev_vhost_run,
        .wait = netdev_vhost_wait,
        .alloc = netdev_vhost_alloc,
        .construct = netdev_vhost_construct,
        .destruct = netdev_vhost_destruct,
        .dealloc = netdev_vhost_dealloc,
        .get_config = netdev_vhost_get_config,
        .set_config = netdev_vhost_set_config,
        .reconfigure = netdev_vhost_reconfigure,
        .get_numa_id = netdev_vhost_get_numa_id,
        .set_etheraddr = netdev_vhost_set_etheraddr,
        .get_etheraddr = netdev_vhost_get_etheraddr,
        .get_mtu = netdev_vhost_get_mtu,
        .set_mtu = netdev_vhost_set_mtu,
        .update_flags = netdev_vhost_update_flags,
        .get_ifindex = netdev_vhost_get_ifindex,
        .get_carrier = netdev_vhost_get_carrier,
        .get_carrier_resets = netdev_vhost_get_carrier_resets,
        .get_stats = netdev_vhost_get_stats,
        .get_custom_stats = netdev_vhost_get_custom_stats,
        .get_status = netdev_vhost_get_status,
        .send = netdev_vhost_send,
        .rxq_alloc = netdev_vhost_rxq_alloc,
        .rxq_construct = netdev_vhost_rxq_construct,
        .rxq_destruct = netdev_vhost_rxq_destruct,
        .rxq_dealloc = netdev_vhost_rxq_dealloc,
        .rxq_recv = netdev_vhost_rxq_recv,
        .rxq_enabled = netdev_vhost_rxq_enabled,
    };
    netdev_register_provider(class);
}

/* Registers both types.  Call once, while Open vSwitch registers its own. */
void
netdev_vhost_register(void)
{
    netdev_vhost_register_class(&netdev_vhostuser_class, "vhostuser");
    netdev_vhost_register_class(&netdev_vhostuserclient_class,
                                "vhostuserclient");
    unixctl_command_register("vhost/show", "[interface]", 0, 1,
                             netdev_vhost_unixctl_show, NULL);
}
