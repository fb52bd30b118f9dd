/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* "check": what this machine lacks for a topology. */

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check-nic.h"
#include "command-line.h"
#include "dirs.h"
#include "exec.h"
#include "topology.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "process.h"
#include "util.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

/* True if there is a program 'name'. */
static bool
has_program(const char *name)
{
    char *path = process_search_path(name);
    bool found = path != NULL;

    free(path);
    return found;
}

static enum fig7a_verdict
check_root(const struct fig7a_subject *s OVS_UNUSED, char **text)
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

static enum fig7a_verdict
check_switch(const struct fig7a_subject *s, char **text)
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

static enum fig7a_verdict
check_tso(const struct fig7a_subject *s, char **text)
{
    enum fig7a_verdict verdict = GOOD;
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

static enum fig7a_verdict
check_kernel(const struct fig7a_subject *s, char **text)
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

static enum fig7a_verdict
check_tunnel(const struct fig7a_subject *s, char **text)
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

static enum fig7a_verdict
check_vm(const struct fig7a_subject *s, char **text)
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
        *text = fig7a_check_device(s, "--vm", vm);
    }
    return *text ? BAD : GOOD;
}

static const struct {
    const char *what;
    enum fig7a_verdict (*check)(const struct fig7a_subject *, char **text);
    bool options;               /* Also if only options are looked at. */
} up_checks[] = {
    /* Later ones may rely on what earlier ones found. */
    { "root", check_root, false },
    { "NIC", fig7a_check_nic, true },
    { "second NIC", fig7a_check_peer_nic, true },
    { "tunnel", check_tunnel, true },
    { "VM", check_vm, true },
    { "Open vSwitch", check_switch, false },
    { "TSO", check_tso, false },
    { "kernel", check_kernel, false },
    { "XDP", fig7a_check_xdp, false },
    { "queues", fig7a_check_queues, false },
    { "MTU", fig7a_check_mtu, false },
};

/* Returns null if 't' can be set up on this machine as 'f' says, otherwise
 * what is missing and what to do, for the caller to free.  With
 * 'f->dry_run', only looks at the options: another machine can be meant. */
char *
fig7a_check_up(const struct fig7a_topology *t, const struct fig7a *f)
{
    struct fig7a_subject s = {
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
print_verdict(const char *what, enum fig7a_verdict verdict, const char *text)
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
        struct fig7a_subject s = {
            .t = fig7a_find_topology(ctx->argv[1]),
            .f = f,
        };

        good = true;            /* "run" is not what was asked for. */
        for (size_t i = 0; i < ARRAY_SIZE(up_checks); i++) {
            enum fig7a_verdict verdict;

            text = NULL;
            verdict = up_checks[i].check(&s, &text);
            good &= print_verdict(up_checks[i].what, verdict, text);
            free(text);
            if (verdict == BAD && up_checks[i].check == fig7a_check_nic) {
                good = false;
                break;          /* The rest is about that NIC. */
            }
        }
    }
    if (!good) {
        exit(EXIT_FAILURE);
    }
}
