/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Whether a device can be a port, and how well it does as that. */

#include "check-nic.h"

#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec.h"
#include "util.h"
#include "xsk/features.h"

/* Bytes that Geneve over IPv4 adds to a packet. */
#define TUNNEL_OVERHEAD 50

/* A number from the file 'name' of 'device' in sysfs, -1 if it has none. */
static int
sysfs_number(const char *device, const char *name)
{
    char *file = xasprintf("/sys/class/net/%s/%s", device, name);
    FILE *stream = fopen(file, "r");
    int n = -1;

    free(file);
    if (stream) {
        if (fscanf(stream, "%i", &n) != 1) {
            n = -1;
        }
        fclose(stream);
    }
    return n;
}

/* True if 'device' carries a default route, of IPv4 or IPv6. */
static bool
has_default_route(const char *device)
{
    static const char *const versions[] = { "-4", "-6" };
    bool found = false;

    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        char *output;

        if (!fig7a_execl(NULL, &output, "ip", versions[i], "route", "show",
                         "default", "dev", device, NULL)) {
            found |= output[0] != '\0';
        }
        free(output);
    }
    return found;
}

/* Checks that 'device', the value of 'option', can become a port.  Returns
 * null, or what is wrong, for the caller to free. */
char *
fig7a_check_device(const struct fig7a_subject *s, const char *option,
                   const char *device)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    char *path, *bridge, *problem = NULL;
    unsigned int ifindex;
    struct stat st;

    if (s->only_options) {
        return NULL;
    }
    if (strlen(device) >= IFNAMSIZ || !(ifindex = if_nametoindex(device))) {
        return xasprintf("%s=%s: there is no such interface; see \"ip link\"",
                         option, device);
    }
    if (has_default_route(device) && !s->f->force) {
        return xasprintf("%s=%s: it carries the default route, which would be "
                         "lost; use another, or --force", option, device);
    }

    path = xasprintf("/sys/class/net/%s/master", device);
    if (!lstat(path, &st)) {
        problem = xasprintf("%s=%s: it is part of a bridge or bond; free it: "
                            "ip link set %s nomaster", option, device, device);
    }
    free(path);
    if (problem) {
        return problem;
    }

    static const struct fig7a_exec how = { .timeout = 20 };
    if (!fig7a_execl(&how, &bridge, "ovs-vsctl", "--timeout=10",
                     "port-to-br", device, NULL)) {
        problem = xasprintf("%s=%s: it is a port of the bridge %s; free it: "
                            "ovs-vsctl del-port %s", option, device, bridge,
                            device);
    }
    free(bridge);
    if (!problem && s->t->nic_type
        && !bpf_xdp_query(ifindex, 0, &query) && query.prog_id) {
        problem = xasprintf("%s=%s: it has the XDP program %u of someone "
                            "else; remove it: ip link set %s xdp off", option,
                            device, query.prog_id, device);
    }
    return problem;
}

/* The NIC. */
enum fig7a_verdict
fig7a_check_nic(const struct fig7a_subject *s, char **text)
{
    if (!s->f->nic) {
        *text = xstrdup("--nic is missing: the interface that leads to the "
                        "other host");
        return BAD;
    }
    *text = fig7a_check_device(s, "--nic", s->f->nic);
    return *text ? BAD : GOOD;
}

/* The second NIC, if there is one. */
enum fig7a_verdict
fig7a_check_peer_nic(const struct fig7a_subject *s, char **text)
{
    if (!s->f->peer_nic) {
        return GOOD;
    }
    if (s->f->remote_ip) {
        *text = xstrdup("--peer-nic is for traffic that is looped, which "
                        "--remote-ip excludes");
    } else if (!strcmp(s->f->peer_nic, s->f->nic)) {
        *text = xasprintf("--peer-nic=%s: it is --nic, too", s->f->peer_nic);
    } else {
        *text = fig7a_check_device(s, "--peer-nic", s->f->peer_nic);
    }
    return *text ? BAD : GOOD;
}

/* How well AF_XDP works on the NIC. */
enum fig7a_verdict
fig7a_check_xdp(const struct fig7a_subject *s, char **text)
{
    struct xsk_features features;

    if (!s->t->nic_type) {
        return GOOD;
    }
    xsk_features_query(if_nametoindex(s->f->nic), &features);
    if (!features.native) {
        *text = xasprintf("the driver of %s has no XDP, or does not say so: "
                          "the kernel's generic XDP is slower", s->f->nic);
        return NOTE;
    }
    *text = xasprintf("native, %s", features.zerocopy ? "zero-copy" : "copy");
    return GOOD;
}

/* Whether all queues of the NIC are received from. */
enum fig7a_verdict
fig7a_check_queues(const struct fig7a_subject *s, char **text)
{
    struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
    struct ifreq ifr = { .ifr_data = (void *) &channels };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    enum fig7a_verdict verdict = GOOD;

    ovs_strlcpy(ifr.ifr_name, s->f->nic, sizeof ifr.ifr_name);
    if (fd >= 0 && !ioctl(fd, SIOCETHTOOL, &ifr)) {
        unsigned int n = MAX(channels.combined_count, channels.rx_count);

        if (s->t->nic_type && n > 1) {
            *text = xasprintf("%s has %u, and the port receives from one: "
                              "ethtool -L %s combined 1, or options:n_rxq",
                              s->f->nic, n, s->f->nic);
            verdict = NOTE;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return verdict;
}

/* What the tunnel leaves of the MTU of the NIC. */
enum fig7a_verdict
fig7a_check_mtu(const struct fig7a_subject *s, char **text)
{
    int mtu = sysfs_number(s->f->nic, "mtu");

    if (s->f->remote_ip) {
        *text = xasprintf("%s has %d; the VM may have %d, since the tunnel "
                          "takes %d", s->f->nic, mtu, mtu - TUNNEL_OVERHEAD,
                          TUNNEL_OVERHEAD);
        return mtu < 1500 ? NOTE : GOOD;
    }
    return GOOD;
}
