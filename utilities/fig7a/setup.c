/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Setting a topology up on this machine alone. */

#include "setup.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "dirs.h"
#include "topology.h"
#include "vhost-proxy.h"
#include "openvswitch/dynamic-string.h"
#include "ovs-numa.h"
#include "ovs-thread.h"
#include "util.h"

/* A packet of a VM, with what Geneve over IPv4 adds, has to fit in 1500. */
#define VM_MTU 1450

static const char *const names[FIG7A_N_ENDS] = { "left", "right" };
static const char *const tunnel_ips[FIG7A_N_ENDS] = {
    "192.168.0.1", "192.168.0.2"
};
static const char *const vm_ips[FIG7A_N_ENDS] = { "10.0.0.1", "10.0.0.2" };

/* Hosts that are namespaces. */

/* Makes the device that the VM of 'host' is to have, and returns its name. */
static char *
add_vm_device(struct fig7a_setup *s, int i, const char **device)
{
    const char *name = s->ends[i].netns;

    *device = NULL;
    if (s->t->vhostuser) {
        return NULL;            /* The switch makes a socket. */
    }
    *device = "vm0";
    if (s->f->endpoint == FIG7A_UML) {
        return fig7a_run(NULL, 10, NULL,
                         "ip -n %s tuntap add vm0 mode tap", name);
    }

    char *error = fig7a_run(NULL, 10, NULL, "ip netns add vm-%s", name);
    if (!error) {
        error = fig7a_run(NULL, 10, NULL, "ip link add vm0 netns %s type veth "
                    "peer name eth0 netns vm-%s", name, name);
    }
    return error;
}

static char *
set_up_host(struct fig7a_setup *s, int i)
{
    struct fig7a_host *host = &s->ends[i].host;
    char *local = xasprintf("%s/24", tunnel_ips[i]);
    struct fig7a_place place = {
        .nic = "eth0",
        .local_ip = local,
        .remote_ip = tunnel_ips[!i],
        .vm_listens = true,
        .feature_mask = s->feature_mask,
        .in_tree = s->in_tree,
        .pipeline = s->f->pipeline,
        .rules = s->f->rules,
    };
    struct fig7a_steps steps;
    char *error;

    error = add_vm_device(s, i, &place.vm);
    fig7a_steps_init(&steps, s->t, &place);
    for (size_t j = 0; j < steps.n && !error; j++) {
        const struct fig7a_exec how = {
            .prefix = &host->prefix,
            .input = steps.steps[j].input,
            .timeout = 120,
        };
        char *output;

        if (fig7a_exec(&how, &steps.steps[j].argv, &output)) {
            error = output;
            output = NULL;
        }
        free(output);
    }
    fig7a_steps_destroy(&steps);
    free(local);
    if (error) {
        return error;
    }

    /* Not all that is wrong with a port is an error of ovs-vsctl. */
    char *errors, *save = NULL;
    error = fig7a_host_vsctl(host, &errors, "--bare", "--columns=error",
                             "list", "interface", NULL);
    if (!error) {
        const char *first = strtok_r(errors, "\n", &save);

        error = first ? xstrdup(first) : NULL;
        free(errors);
    }
    return error;
}

/* Names of processes and devices depend on whether the VM is a guest. */
static void
set_vm_prefix(struct fig7a_setup *s, int i)
{
    struct svec *prefix = &s->ends[i].vm_prefix;

    svec_clear(prefix);
    if (s->ends[i].guest_dir) {
        svec_add(prefix, s->uml_guest);
        svec_add(prefix, "exec");
        svec_add(prefix, s->ends[i].guest_dir);
        if (s->in_uml) {
            svec_parse_words(prefix, "ip netns exec vm");
        }
    } else {
        svec_parse_words(prefix, "ip netns exec");
        svec_add_nocopy(prefix, xasprintf("vm-%s", s->ends[i].netns));
    }
    s->ends[i].vm = (struct fig7a_exec) { .prefix = prefix };
}

/* A tap whose packets an XDP program gets cannot have those that are yet to be
 * segmented: the guests are to do that.  Their driver does not let ethtool
 * switch TSO off. */
static char *
turn_tso_off(struct fig7a_setup *s)
{
    char *error = NULL;

    for (int i = 0; i < FIG7A_N_ENDS && !error; i++) {
        error = fig7a_run(&s->ends[i].vm, 20, NULL,
                          "ip link set eth0 gso_max_segs 1");
    }
    return error;
}

/* Boots the guests, with the options 'options', both at the same time. */
static char *
boot_guests(struct fig7a_setup *s, char *const options[FIG7A_N_ENDS])
{
    struct ds script = DS_EMPTY_INITIALIZER;
    char *error;

    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        s->ends[i].guest_dir = xasprintf("%s/vm-%s", fig7a_sandbox_dir(),
                                     s->ends[i].netns);
        ds_put_format(&script, "ip netns exec %s %s start %s %s & pid%d=$!\n",
                      s->ends[i].netns, s->uml_guest, options[i],
                      s->ends[i].guest_dir, i);
    }
    ds_put_cstr(&script, "wait $pid0 && wait $pid1");
    error = fig7a_run_script(NULL, 120, ds_cstr(&script));
    ds_destroy(&script);
    return error;
}

/* Open vSwitch's own ports have no feature mask, without which the guest would
 * stall: puts something in between that has.  Returns its socket. */
static char *
add_proxy(struct fig7a_setup *s, int i)
{
    char *port = xasprintf("%s/%s", s->ends[i].host.dir, FIG7A_VM);
    char *proxy = xasprintf("%s/proxy", s->ends[i].host.dir);

    s->ends[i].proxy = fig7a_vhost_proxy_start(proxy, port,
                                            strtoull(s->feature_mask, NULL,
                                                     0));
    free(port);
    return proxy;
}

/* Returns the socket for the guest of host 'i', for the caller to free. */
static char *
vm_socket(struct fig7a_setup *s, int i)
{
    return (s->in_tree ? add_proxy(s, i)
            : xasprintf("%s/%s", s->ends[i].host.dir, FIG7A_VM));
}

static char *
start_vms(struct fig7a_setup *s)
{
    char *options[FIG7A_N_ENDS], *error = NULL;

    if (s->f->endpoint == FIG7A_UML) {
        for (int i = 0; i < FIG7A_N_ENDS; i++) {
            char *socket = s->t->vhostuser ? vm_socket(s, i) : NULL;

            options[i] = xasprintf("--%s=%s --mtu=%d --address=%s/24",
                                   socket ? "socket" : "tap",
                                   socket ? socket : "vm0", VM_MTU, vm_ips[i]);
            free(socket);
        }
        error = boot_guests(s, options);
        for (int i = 0; i < FIG7A_N_ENDS; i++) {
            free(options[i]);
        }
    } else {
        for (int i = 0; i < FIG7A_N_ENDS && !error; i++) {
            error = fig7a_run(NULL, 10, NULL,
                              "ip -n vm-%s link set eth0 mtu %d up",
                              s->ends[i].netns, VM_MTU);
            if (!error) {
                error = fig7a_run(NULL, 10, NULL,
                                  "ip -n vm-%s address add %s/24 dev eth0",
                                  s->ends[i].netns, vm_ips[i]);
            }
        }
    }
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        set_vm_prefix(s, i);
    }
    for (int i = 0; i < FIG7A_N_ENDS && !error && s->in_tree
         && !s->t->vhostuser; i++) {
        /* They do not see that a VM leaves checksums to others. */
        error = fig7a_run(&s->ends[i].vm, 10, NULL, "ethtool -K eth0 tx off");
    }
    if (!error && s->f->endpoint == FIG7A_UML && !s->t->vhostuser
        && s->t->nic_type) {
        error = turn_tso_off(s);
    }
    return error;
}

static char *
set_up_namespaces(struct fig7a_setup *s)
{
    char *error = NULL;
    int n_cpus = MAX(1, count_cpu_cores());

    for (int i = 0; i < FIG7A_N_ENDS && !error; i++) {
        error = fig7a_host_start(&s->ends[i].host, s->ends[i].netns,
                                 s->t->tso, s->in_tree && s->t->vhostuser,
                                 i % n_cpus);
    }
    if (!error) {
        error = fig7a_run(NULL, 10, NULL,
                          "ip link add eth0 netns %s type veth peer name "
                          "eth0 netns %s", s->ends[FIG7A_LEFT].netns,
                          s->ends[FIG7A_RIGHT].netns);
    }
    if (!error && s->t->vhostuser) {
        error = fig7a_run(NULL, 10, &s->feature_mask, "%s feature-mask",
                          s->uml_guest);
    }
    for (int i = 0; i < FIG7A_N_ENDS && !error; i++) {
        error = set_up_host(s, i);
    }
    return error ? error : start_vms(s);
}

/* Hosts that are guests, for the kernel's datapath. */

/* The two guests are joined by a bridge of the sandbox's own. */
static char *
add_wire_for_guests(const struct fig7a_setup *s)
{
    struct ds script = DS_EMPTY_INITIALIZER;
    char *error;

    ds_put_cstr(&script,
        "set -e\n"
        "ip link add wire type bridge forward_delay 0\n"
        "ip link set wire up\n");
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        ds_put_format(&script,
            "host=%s\n"
            "ip netns add $host\n"
            "ip -n $host link set lo up\n"
            "ip -n $host tuntap add nic0 mode tap\n"
            "ip -n $host link set nic0 up\n"
            "ip link add wire%d type veth peer name uplink netns $host\n"
            "ip link set wire%d master wire up\n"
            "ip -n $host link add name bridge type bridge forward_delay 0\n"
            "ip -n $host link set bridge up\n"
            "ip -n $host link set nic0 master bridge\n"
            "ip -n $host link set uplink master bridge up\n",
            s->ends[i].netns, i, i);
    }
    error = fig7a_run_script(NULL, 20, ds_cstr(&script));
    ds_destroy(&script);
    return error;
}

/* The script that makes a host of the guest 'i'. */
static char *
host_script(struct fig7a_setup *s, int i)
{
    struct fig7a_place place = {
        .nic = "eth0",
        .remote_ip = tunnel_ips[!i],
        .vm = "vm0",
        .pipeline = s->f->pipeline,
        .rules = s->f->rules,
    };
    struct ds script = DS_EMPTY_INITIALIZER;
    struct fig7a_steps steps;
    char *local = xasprintf("%s/24", tunnel_ips[i]);
    char *vswitchd = fig7a_find_vswitchd();

    place.local_ip = local;
    ds_put_format(&script, "export PATH=\"$PATH:%s\" OVS_PKGDATADIR='%s'\n",
                  getenv("PATH"), ovs_pkgdatadir());
    ds_put_format(&script,
        "set -e\n"
        "modprobe openvswitch\n"
        "modprobe geneve || true\n"
        "modprobe veth || true\n"
        "modprobe nf_conntrack || true\n"
        "mkdir -p /run/ovs\n"
        "export OVS_RUNDIR=/run/ovs OVS_LOGDIR=/run/ovs OVS_DBDIR=/run/ovs "
        "OVS_SYSCONFDIR=/run/ovs\n"
        "ovsdb-tool create /run/ovs/conf.db "
        "$OVS_PKGDATADIR/vswitch.ovsschema\n"
        "ovsdb-server -vconsole:off --detach --no-chdir --pidfile --log-file "
        "--remote=punix:/run/ovs/db.sock\n"
        "ovs-vsctl --no-wait init\n"
        "%s -vconsole:off --detach --no-chdir --pidfile --log-file\n"
        "ip netns add vm\n"
        "ip link add vm0 type veth peer name eth0 netns vm\n"
        "ip -n vm link set eth0 mtu %d up\n"
        "ip -n vm address add %s/24 dev eth0\n", vswitchd, VM_MTU, vm_ips[i]);
    free(vswitchd);

    fig7a_steps_init(&steps, s->t, &place);
    for (size_t j = 0; j < steps.n; j++) {
        char *command = fig7a_shell_quote(&steps.steps[j].argv);

        ds_put_cstr(&script, command);
        if (steps.steps[j].input) {
            ds_put_format(&script, " <<'END'\n%sEND", steps.steps[j].input);
        }
        ds_put_char(&script, '\n');
        free(command);
    }
    fig7a_steps_destroy(&steps);
    free(local);
    return ds_steal_cstr(&script);
}

/* Writes that script where the guest sees it: with all the rules in it, it is
 * too long for an argument. */
static char *
write_host_script(struct fig7a_setup *s, int i)
{
    char *name = xasprintf("%s/host", s->ends[i].guest_dir);
    char *script = host_script(s, i);
    FILE *stream = fopen(name, "w");
    char *error = NULL;

    if (!stream || fputs(script, stream) == EOF || fflush(stream)) {
        error = xasprintf("%s: %s", name, ovs_strerror(errno));
    }
    if (stream) {
        fclose(stream);
    }
    free(script);
    free(name);
    return error;
}

static char *
set_up_guests(struct fig7a_setup *s)
{
    char *options[FIG7A_N_ENDS] = { "--tap=nic0", "--tap=nic0" };
    char *error;

    s->in_uml = true;
    error = add_wire_for_guests(s);
    if (!error) {
        error = boot_guests(s, options);
    }
    for (int i = 0; i < FIG7A_N_ENDS && !error; i++) {
        struct svec prefix = SVEC_EMPTY_INITIALIZER;
        const struct fig7a_exec guest = { .prefix = &prefix };

        svec_add(&prefix, s->uml_guest);
        svec_add(&prefix, "exec");
        svec_add(&prefix, s->ends[i].guest_dir);
        error = write_host_script(s, i);
        if (!error) {
            error = fig7a_run(&guest, 300, NULL,
                              "bash %s/host", s->ends[i].guest_dir);
        }
        svec_destroy(&prefix);
        set_vm_prefix(s, i);
    }
    return error;
}

/* All of a topology. */

/* True if the kernel has a datapath of Open vSwitch. */
static bool
has_kernel_datapath(void)
{
    char *error;

    if (!access("/sys/module/openvswitch", F_OK)) {
        return true;
    }
    error = fig7a_run(NULL, 20, NULL, "modprobe openvswitch");
    free(error);
    return !error;
}

/* Starts iperf3 in the VM on the right. */
static char *
start_server(const struct fig7a_setup *s)
{
    char *error = fig7a_run_script(
        &s->ends[FIG7A_RIGHT].vm, 30,
        "iperf3 -s -D && for i in {1..100}; do "
        "ss -Hltn | grep -q ':5201 ' && exit; sleep 0.1; done; exit 1");

    if (error) {
        free(error);
        return xstrdup("iperf3 does not start in the VM on the right");
    }
    return NULL;
}

/* Sets 't', with OVS's own types if 'in_tree', up as 's', to be woken before
 * use.  'uml_guest' is the program; the string has to outlive 's'.  Returns
 * null, or what went wrong, for the caller to free; 's' is to be taken down in
 * any case. */
char *
fig7a_setup_up(struct fig7a_setup *s, const struct fig7a *f,
               const struct fig7a_topology *t, bool in_tree,
               const char *uml_guest)
{
    char *error;

    *s = (struct fig7a_setup) {
        .f = f,
        .t = t,
        .in_tree = in_tree,
        .uml_guest = uml_guest,
        .up = true,
    };
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        s->ends[i].name = names[i];
        s->ends[i].vm_ip = vm_ips[i];
        s->ends[i].netns = xasprintf("%s-%s%s", names[i], t->id,
                                     in_tree ? "-in-tree" : "");
        svec_init(&s->ends[i].vm_prefix);
    }
    if (t->vhostuser && f->endpoint == FIG7A_VETH) {
        return xstrdup("a namespace has no vhost-user device; it takes "
                       "--endpoint=uml");
    }
    if (in_tree && !t->vhostuser && f->endpoint == FIG7A_UML) {
        return xstrdup("the VM leaves checksums to others, and its driver "
                       "cannot be told not to, but in-tree ports do not see "
                       "that; it takes --endpoint=veth");
    }
    error = (!t->nic_type && !has_kernel_datapath() ? set_up_guests(s)
             : set_up_namespaces(s));
    return error ? error : start_server(s);
}

/* Lets the switches of 's', which is up, poll as they do in real life.
 * Returns null, or what went wrong, for the caller to free. */
char *
fig7a_setup_wake(struct fig7a_setup *s)
{
    char *error = NULL;

    for (int i = 0; i < FIG7A_N_ENDS && !error && !s->in_uml; i++) {
        error = fig7a_host_wake(&s->ends[i].host);
    }
    return error;
}

/* Stops them until they are woken again, so that they do not take CPU time
 * from others.  Guests that have nothing to do sleep by themselves. */
void
fig7a_setup_rest(struct fig7a_setup *s)
{
    for (int i = 0; i < FIG7A_N_ENDS && !s->in_uml; i++) {
        fig7a_host_rest(&s->ends[i].host);
    }
}

/* Ends all of 's', if it is up. */
void
fig7a_setup_down(struct fig7a_setup *s)
{
    if (!s->up) {
        return;
    }
    for (int i = 0; i < FIG7A_N_ENDS; i++) {
        struct fig7a_end *end = &s->ends[i];

        if (end->guest_dir) {
            free(fig7a_run(NULL, 60, NULL, "%s stop %s", s->uml_guest,
                           end->guest_dir));
            free(fig7a_run(NULL, 10, NULL, "rm -rf %s", end->guest_dir));
            free(end->guest_dir);
        } else if (!s->t->vhostuser) {
            free(fig7a_run(NULL, 10, NULL, "ip netns del vm-%s",
                           end->netns));
        }
        if (s->in_uml) {
            free(fig7a_run(NULL, 10, NULL, "ip netns del %s", end->netns));
        }
        if (end->proxy > 0) {
            kill(end->proxy, SIGKILL);
            waitpid(end->proxy, NULL, 0);
        }
        fig7a_host_stop(&end->host);
        svec_destroy(&end->vm_prefix);
        free(end->netns);
    }
    if (s->in_uml) {
        free(fig7a_run(NULL, 10, NULL, "ip link del wire"));
    }
    free(s->feature_mask);
    s->up = false;
}
