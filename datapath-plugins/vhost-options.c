/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Reading the options of vhost-user ports, and what they let a guest be
 * offered. */

#include "vhost-options.h"

#include <errno.h>
#include <grp.h>
#include <linux/virtio_net.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "openvswitch/dynamic-string.h"
#include "port-options.h"
#include "userspace-tso.h"
#include "util.h"
#include "vhost/device.h"
#include "vhost/socket.h"

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

/* Returns the options of a port that is a "vhostuserclient" if 'is_client',
 * otherwise a "vhostuser", and stores their number in '*n'. */
const struct port_option *
vhost_options_table(bool is_client, size_t *n)
{
    if (is_client) {
        *n = ARRAY_SIZE(option_table) - N_SERVER_ONLY;
        return option_table;
    }
    *n = ARRAY_SIZE(option_table) - N_CLIENT_ONLY;
    return option_table + N_CLIENT_ONLY;
}

/* Derives from 'options' what may be offered to a guest. */
void
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

/* Checks what the table of options cannot say, for the port 'name'.  Returns
 * 0, or EINVAL with '*errp' set to a message for the caller to free. */
int
vhost_options_check(const char *name, bool is_client,
                    const struct vhost_options *options, char **errp)
{
    char *reason = NULL;

    if (is_client) {
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

/* True if going from 'a' to 'b' takes another socket. */
bool
vhost_options_need_reopen(const struct vhost_options *a,
                          const struct vhost_options *b)
{
    return (strcmp(a->server_path, b->server_path)
            || a->iommu_support != b->iommu_support
            || a->postcopy_support != b->postcopy_support);
}
