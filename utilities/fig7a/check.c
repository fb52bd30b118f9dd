/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "check.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-line.h"
#include "dirs.h"
#include "exec.h"
#include "topology.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "process.h"
#include "util.h"
#include "xsk/features.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* Bytes that Geneve over IPv4 adds to a packet. */
#define TUNNEL_OVERHEAD 50

enum verdict {
    GOOD,                       /* '*text' says what was found, or is null. */
    NOTE,                       /* It works, but not as it could. */
    BAD                         /* '*text' says what to do. */
};

/* What is checked for: a topology, or null, on a machine. */
struct subject {
    const struct fig7a_topology *t;
    const struct fig7a *f;
    bool only_options;          /* Do not look at the machine. */
    bool load_module;           /* Load the kernel's module, if needed. */
};

/* True if there is a program 'name'. */
static bool
has_program(const char *name)
{
    char *path = process_search_path(name);
    bool found = path != NULL;

    free(path);
    return found;
}

static enum verdict
check_root(const struct subject *s OVS_UNUSED, char **text)
{
    if (geteuid()) {
        *text = xstrdup("only root can do this; use sudo");
        return BAD;
    }
    return GOOD;
}

/* Stores what ovs-vsctl prints, given the arguments, in '*outputp', for the
 * caller to free.  Returns false if it fails. */
static bool
vsctl_get(const char *record, const char *column, char **outputp)
{
    static const struct fig7a_exec how = { .timeout = 20 };

    return !fig7a_execl(&how, outputp, "ovs-vsctl", "--timeout=10",
                        "--no-wait", "--if-exists", "get", "Open_vSwitch",
                        record, column, NULL);
}

/* True if the switch has a bridge 'name'. */
bool
fig7a_has_bridge(const char *name)
{
    static const struct fig7a_exec how = { .timeout = 20 };
    char *output;
    bool found = !fig7a_execl(&how, &output, "ovs-vsctl", "--timeout=10",
                              "br-exists", name, NULL);

    free(output);
    return found;
}

static enum verdict
check_switch(const struct subject *s, char **text)
{
    static const char *const bridges[] = { FIG7A_BRIDGE, FIG7A_PHY_BRIDGE };
    char *types, *pidfile = xasprintf("%s/ovs-vswitchd.pid", ovs_rundir());
    bool running = !access(pidfile, F_OK);
    const char *missing = NULL;

    free(pidfile);
    if (!vsctl_get(".", "iface_types", &types)) {
        *text = xasprintf("%s; is Open vSwitch running?  "
                          "Try: systemctl start openvswitch-switch", types);
        free(types);
        return BAD;
    }
    if (!running) {
        free(types);
        *text = xasprintf("ovs-vswitchd does not run (no pid file in %s); "
                          "try: systemctl start openvswitch-switch",
                          ovs_rundir());
        return BAD;
    }
    if (s->t->nic_type && !strstr(types, s->t->nic_type)) {
        missing = s->t->nic_type;
    } else if (s->t->vhostuser && !strstr(types, "vhostuserclient")) {
        missing = "vhostuserclient";
    }
    free(types);
    if (missing) {
        *text = xasprintf("this ovs-vswitchd has no interface type %s; "
                          "install ovs-datapath-plugins and restart it",
                          missing);
        return BAD;
    }

    /* "up" would fail, and then delete someone else's bridge to undo what it
     * had not done.  Only with a tunnel there are two. */
    for (size_t i = 0; i < (s->f->remote_ip ? 2 : 1); i++) {
        if (fig7a_has_bridge(bridges[i])) {
            *text = xasprintf("there is a bridge %s already; remove it: "
                              "ovs-vsctl del-br %s", bridges[i], bridges[i]);
            return BAD;
        }
    }
    return GOOD;
}

static enum verdict
check_tso(const struct subject *s, char **text)
{
    enum verdict verdict = GOOD;
    char *value;

    if (s->t->nic_type && s->t->tso) {
        if (!vsctl_get(".", "other_config:userspace-tso-enable", &value)
            || strcmp(value, "\"true\"")) {
            *text = xstrdup("segmentation offload is off; ovs-vsctl set "
                            "Open_vSwitch . "
                            "other_config:userspace-tso-enable=true, and "
                            "restart ovs-vswitchd");
            verdict = BAD;
        }
        free(value);
    }
    return verdict;
}

static enum verdict
check_kernel(const struct subject *s, char **text)
{
    if (!s->t->nic_type) {
        static const char module[] = "openvswitch";
        int error;

        if (!access("/sys/module/openvswitch", F_OK)) {
            return GOOD;
        }
        if (!has_program("modprobe")) {
            *text = xstrdup("modprobe is missing; apt-get install kmod");
            return BAD;
        }
        error = (s->load_module
                 ? fig7a_execl(NULL, text, "modprobe", module, NULL)
                 : fig7a_execl(NULL, text, "modprobe", "-n", "-q", module,
                               NULL));
        if (error) {
            free(*text);
            *text = xstrdup("the kernel has no module openvswitch; install "
                            "the linux-image of your distribution, or "
                            "use \"run\", which takes that of User Mode "
                            "Linux");
            return BAD;
        }
    } else {
        int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

        if (fd < 0) {
            *text = xasprintf("no AF_XDP sockets: %s; the kernel needs "
                              "CONFIG_XDP_SOCKETS, and you CAP_NET_RAW",
                              ovs_strerror(errno));
            return BAD;
        }
        close(fd);
    }
    return GOOD;
}

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
static char *
check_device(const struct subject *s, const char *option, const char *device)
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

static enum verdict
check_nic(const struct subject *s, char **text)
{
    if (!s->f->nic) {
        *text = xstrdup("--nic is missing: the interface that leads to the "
                        "other host");
        return BAD;
    }
    *text = check_device(s, "--nic", s->f->nic);
    return *text ? BAD : GOOD;
}

static enum verdict
check_peer_nic(const struct subject *s, char **text)
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
        *text = check_device(s, "--peer-nic", s->f->peer_nic);
    }
    return *text ? BAD : GOOD;
}

/* How well AF_XDP works on the NIC. */
static enum verdict
check_xdp(const struct subject *s, char **text)
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

static enum verdict
check_queues(const struct subject *s, char **text)
{
    struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
    struct ifreq ifr = { .ifr_data = (void *) &channels };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    enum verdict verdict = GOOD;

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

static enum verdict
check_mtu(const struct subject *s, char **text)
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

/* Parses 'ip', with or without "/LENGTH". */
static bool
parse_ip(const char *ip, bool length, ovs_be32 *addr)
{
    ovs_be32 mask;
    char *error;

    if (!length) {
        return ip_parse(ip, addr);
    }
    error = ip_parse_masked(ip, addr, &mask);
    free(error);
    return !error;
}

/* True if some interface has the address 'ip'. */
static bool
has_address(ovs_be32 ip, char name[IFNAMSIZ])
{
    struct ifaddrs *list;
    bool found = false;

    if (getifaddrs(&list)) {
        return false;
    }
    for (const struct ifaddrs *ifa = list; ifa && !found;
         ifa = ifa->ifa_next) {
        if (ifa->ifa_addr && ifa->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in sin;

            memcpy(&sin, ifa->ifa_addr, sizeof sin);
            if (sin.sin_addr.s_addr == ip) {
                ovs_strlcpy(name, ifa->ifa_name, IFNAMSIZ);
                found = true;
            }
        }
    }
    freeifaddrs(list);
    return found;
}

static enum verdict
check_tunnel(const struct subject *s, char **text)
{
    ovs_be32 local, remote;
    char name[IFNAMSIZ];

    if (!s->f->remote_ip && !s->f->local_ip) {
        *text = xstrdup("none: what the NIC receives is sent back");
        return GOOD;
    }
    if (!s->f->remote_ip) {
        *text = xstrdup("--remote-ip is missing: the address of the other "
                        "host");
    } else if (!s->f->local_ip) {
        *text = xstrdup("--local-ip is missing: the address of this host");
    } else if (!parse_ip(s->f->remote_ip, false, &remote)) {
        *text = xasprintf("--remote-ip=%s: not an IPv4 address",
                          s->f->remote_ip);
    } else if (!parse_ip(s->f->local_ip, true, &local)) {
        *text = xasprintf("--local-ip=%s: not an IPv4 address, with \"/\" and "
                          "the length of the prefix behind it or not",
                          s->f->local_ip);
    } else if (local == remote) {
        *text = xasprintf("--local-ip and --remote-ip are both %s",
                          s->f->remote_ip);
    } else if (!s->only_options && has_address(local, name)) {
        *text = xasprintf("--local-ip=%s: %s has that address already; remove "
                          "it: ip address del %s dev %s", s->f->local_ip, name,
                          s->f->local_ip, name);
    } else if (!s->only_options && !has_program("ping")) {
        /* Else it would seem that the other host does not answer. */
        *text = xstrdup("ping is missing; apt-get install iputils-ping");
    }
    return *text ? BAD : GOOD;
}

static enum verdict
check_vm(const struct subject *s, char **text)
{
    const char *vm = s->f->vm;

    if (!vm) {
        if (s->f->remote_ip) {
            *text = xasprintf("--vm is missing: the %s of the VM",
                              s->t->vhostuser ? "socket" : "tap device");
        }
    } else if (s->t->vhostuser) {
        if (vm[0] != '/' || strpbrk(vm, " ,\"'\\")) {
            *text = xasprintf("--vm=%s: not an absolute file name, without "
                              "spaces, commas, quotes and backslashes, of the "
                              "socket on which the VM listens", vm);
        } else if (!s->only_options && access(vm, F_OK)) {
            *text = xasprintf("%s is not there yet; Open vSwitch connects as "
                              "soon as the VM makes it", vm);
            return NOTE;
        }
    } else if (!strcmp(vm, s->f->nic)
               || (s->f->peer_nic && !strcmp(vm, s->f->peer_nic))) {
        *text = xasprintf("--vm=%s: it is the NIC", vm);
    } else {
        *text = check_device(s, "--vm", vm);
    }
    return *text ? BAD : GOOD;
}

static const struct {
    const char *what;
    enum verdict (*check)(const struct subject *, char **text);
    bool options;               /* Also if only options are looked at. */
} up_checks[] = {
    /* Later ones may rely on what earlier ones found. */
    { "root", check_root, false },
    { "NIC", check_nic, true },
    { "second NIC", check_peer_nic, true },
    { "tunnel", check_tunnel, true },
    { "VM", check_vm, true },
    { "Open vSwitch", check_switch, false },
    { "TSO", check_tso, false },
    { "kernel", check_kernel, false },
    { "XDP", check_xdp, false },
    { "queues", check_queues, false },
    { "MTU", check_mtu, false },
};

/* Returns null if 't' can be set up on this machine as 'f' says, otherwise
 * what is missing and what to do, for the caller to free.  With
 * 'f->dry_run', only looks at the options: another machine can be meant. */
char *
fig7a_check_up(const struct fig7a_topology *t, const struct fig7a *f)
{
    struct subject s = {
        .t = t,
        .f = f,
        .only_options = f->dry_run,
        .load_module = true,
    };

    for (size_t i = 0; i < ARRAY_SIZE(up_checks); i++) {
        char *text = NULL;

        if ((!s.only_options || up_checks[i].options)
            && up_checks[i].check(&s, &text) == BAD) {
            return text;
        }
        free(text);
    }
    return NULL;
}

/* Programs for "run", and where they come from. */
static const struct {
    const char *program;
    const char *package;
    bool uml;                   /* Only for guests of User Mode Linux. */
} run_programs[] = {
    { "ip", "iproute2", false },
    { "ping", "iputils-ping", false },
    { "iperf3", "iperf3", false },
    { "ovs-vsctl", "openvswitch-switch", false },
    { "ovs-ofctl", "openvswitch-switch", false },
    { "ovs-appctl", "openvswitch-switch", false },
    { "ovsdb-server", "openvswitch-switch", false },
    { "ovsdb-tool", "openvswitch-switch", false },
    { "linux.uml", "user-mode-linux", true },
    { "modprobe", "kmod", true },
    { "ethtool", "ethtool", false },
};

/* Returns null if "run" can do on this machine what 'f' says, otherwise what
 * is missing and what to do, for the caller to free. */
char *
fig7a_check_run(const struct fig7a *f)
{
    struct ds packages = DS_EMPTY_INITIALIZER;
    const char *last = NULL;
    char *schema;

    if (geteuid()) {
        return xstrdup("only root can make network namespaces; use sudo");
    }
    for (size_t i = 0; i < ARRAY_SIZE(run_programs); i++) {
        const char *package = run_programs[i].package;

        if (run_programs[i].uml && f->endpoint != FIG7A_UML) {
            continue;
        }
        if (!has_program(run_programs[i].program)
            && (!last || strcmp(last, package))) {
            ds_put_format(&packages, " %s", package);
            last = package;
        }
    }
    if (packages.length) {
        char *problem = xasprintf("programs are missing; apt-get install%s",
                                  ds_cstr(&packages));
        ds_destroy(&packages);
        return problem;
    }

    schema = xasprintf("%s/vswitch.ovsschema", ovs_pkgdatadir());
    if (access(schema, R_OK)) {
        char *problem = xasprintf("%s: %s; install openvswitch-switch, or set "
                                  "the environment variable OVS_PKGDATADIR",
                                  schema, ovs_strerror(errno));
        free(schema);
        return problem;
    }
    free(schema);
    return NULL;
}

static bool
print_verdict(const char *what, enum verdict verdict, const char *text)
{
    static const char *const words[] = { "ok", "note", "MISSING" };

    printf("%-12s  %-7s  %s\n", what, words[verdict], text ? text : "");
    return verdict != BAD;
}

/* "check [TOPOLOGY]". */
void
fig7a_cmd_check(struct ovs_cmdl_context *ctx)
{
    struct fig7a *f = ctx->pvt;
    bool good;
    char *text;

    text = fig7a_check_run(f);
    good = print_verdict("run", text ? BAD : GOOD, text);
    free(text);
    if (ctx->argc > 1) {
        struct subject s = { .t = fig7a_find_topology(ctx->argv[1]), .f = f };

        good = true;            /* "run" is not what was asked for. */
        for (size_t i = 0; i < ARRAY_SIZE(up_checks); i++) {
            enum verdict verdict;

            text = NULL;
            verdict = up_checks[i].check(&s, &text);
            good &= print_verdict(up_checks[i].what, verdict, text);
            free(text);
            if (verdict == BAD && up_checks[i].check == check_nic) {
                good = false;
                break;          /* The rest is about that NIC. */
            }
        }
    }
    if (!good) {
        exit(EXIT_FAILURE);
    }
}
