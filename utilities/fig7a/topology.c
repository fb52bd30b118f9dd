/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* The commands that set a topology up. */

#include "topology.h"

#include <stdarg.h>
#include <stdlib.h>

#include "pipeline.h"
#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Appends the words of 'format', which are separated by single spaces, to
 * 'argv'.  What is inserted may have no spaces. */
static void OVS_PRINTF_FORMAT(2, 3)
add_words(struct svec *argv, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    char *s = xvasprintf(format, args);
    va_end(args);
    svec_parse_words(argv, s);
    free(s);
}

static struct fig7a_step *
add_step(struct fig7a_steps *steps, const char *why)
{
    if (steps->n >= steps->allocated) {
        steps->steps = x2nrealloc(steps->steps, &steps->allocated,
                                  sizeof *steps->steps);
    }

    struct fig7a_step *step = &steps->steps[steps->n++];
    *step = (struct fig7a_step) {
        .why = why,
        .argv = SVEC_EMPTY_INITIALIZER,
        .undo = SVEC_EMPTY_INITIALIZER,
    };
    return step;
}

/* Starts a step that makes the bridge 'name', which what follows in the same
 * command may add ports to. */
static struct fig7a_step *
add_bridge(struct fig7a_steps *steps, const struct fig7a_topology *t,
           const char *name, const char *fail_mode, const char *why)
{
    struct fig7a_step *step = add_step(steps, why);

    add_words(&step->argv, "ovs-vsctl add-br %s -- set bridge %s fail-mode=%s",
              name, name, fail_mode);
    if (t->nic_type) {
        add_words(&step->argv, "datapath_type=netdev");
    }
    add_words(&step->undo, "ovs-vsctl --if-exists del-br %s", name);
    return step;
}

/* Adds 'nic' to 'bridge' in the command of 'step'. */
static void
add_nic(struct fig7a_step *step, const struct fig7a_topology *t,
        const struct fig7a_place *place, const char *bridge, const char *nic)
{
    const char *type = place->in_tree ? t->in_tree_type : t->nic_type;

    add_words(&step->argv, "-- add-port %s %s", bridge, nic);
    if (type) {
        add_words(&step->argv, "-- set interface %s type=%s", nic, type);
    }
}

/* Adds the port of the VM in the command of 'step'.  Returns its name. */
static const char *
add_vm(struct fig7a_step *step, const struct fig7a_topology *t,
       const struct fig7a_place *place)
{
    struct svec *argv = &step->argv;

    if (!t->vhostuser) {
        /* As the NIC: through a port of the type "system", the switch would
         * not see that the VM left a checksum to others. */
        add_nic(step, t, place, FIG7A_BRIDGE, place->vm);
        return place->vm;
    }

    add_words(argv, "-- add-port %s %s -- set interface %s type=%svhostuser%s",
              FIG7A_BRIDGE, FIG7A_VM, FIG7A_VM, place->in_tree ? "dpdk" : "",
              place->vm_listens ? "" : "client");
    if (!place->vm_listens) {
        add_words(argv, "options:vhost-server-path=%s", place->vm);
    }
    if (!place->in_tree) {
        add_words(argv, "options:csum-offload=%s options:tso-offload=%s",
                  t->csum ? "true" : "false", t->tso ? "true" : "false");
        if (place->feature_mask) {
            add_words(argv, "options:feature-mask=%s", place->feature_mask);
        }
    }
    return FIG7A_VM;
}

/* Adds a step that replaces the rules of 'FIG7A_BRIDGE' by 'flows'. */
static void
add_flows(struct fig7a_steps *steps, char *flows)
{
    struct fig7a_step *step;

    step = add_step(steps, "What comes in here goes out there.");
    add_words(&step->argv, "ovs-ofctl --bundle add-flows %s -", FIG7A_BRIDGE);
    step->input = flows;
}

static void
add_link_up(struct fig7a_steps *steps, const char *device)
{
    add_words(&add_step(steps, NULL)->argv, "ip link set %s up", device);
}

/* Between a VM and a tunnel that leads to another host. */
static void
add_tunnel_steps(struct fig7a_steps *steps, const struct fig7a_topology *t,
                 const struct fig7a_place *place)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    struct fig7a_step *step;
    const char *vm;

    step = add_bridge(steps, t, FIG7A_PHY_BRIDGE, "standalone",
                      "The NIC, and the host's address behind it.");
    add_nic(step, t, place, FIG7A_PHY_BRIDGE, place->nic);
    add_link_up(steps, place->nic);
    step = add_step(steps, NULL);
    add_words(&step->argv, "ip address replace %s dev %s", place->local_ip,
              FIG7A_PHY_BRIDGE);
    add_link_up(steps, FIG7A_PHY_BRIDGE);

    step = add_bridge(steps, t, FIG7A_BRIDGE, "secure",
                      "The VM, and the tunnel to the other host.");
    vm = add_vm(step, t, place);
    add_words(&step->argv, "-- add-port %s %s -- set interface %s type=geneve "
              "options:remote_ip=%s", FIG7A_BRIDGE, FIG7A_TUNNEL, FIG7A_TUNNEL,
              place->remote_ip);
    if (!t->vhostuser) {
        add_link_up(steps, vm);
    }
    if (place->pipeline == FIG7A_NSX) {
        fig7a_pipeline_nsx(&flows, vm, FIG7A_TUNNEL, place->rules);
    } else {
        fig7a_pipeline_forward(&flows, vm, FIG7A_TUNNEL);
    }
    add_flows(steps, ds_steal_cstr(&flows));
}

/* Without a tunnel: what a traffic generator sends goes back to it. */
static void
add_loop_steps(struct fig7a_steps *steps, const struct fig7a_topology *t,
               const struct fig7a_place *place)
{
    struct ds flows = DS_EMPTY_INITIALIZER;
    struct fig7a_step *step;
    const char *vm = NULL;

    step = add_bridge(steps, t, FIG7A_BRIDGE, "secure",
                      "The NIC, from which traffic comes and to which it "
                      "goes.");
    add_nic(step, t, place, FIG7A_BRIDGE, place->nic);
    if (place->peer_nic) {
        add_nic(step, t, place, FIG7A_BRIDGE, place->peer_nic);
    }
    if (place->vm) {
        vm = add_vm(step, t, place);
    }
    add_link_up(steps, place->nic);
    if (place->peer_nic) {
        add_link_up(steps, place->peer_nic);
    }

    if (vm) {
        if (!t->vhostuser) {
            add_link_up(steps, vm);
        }
        ds_put_format(&flows, "in_port=%s,actions=output:%s\n"
                      "in_port=%s,actions=output:%s\n", place->nic, vm, vm,
                      place->peer_nic ? place->peer_nic : place->nic);
    } else {
        ds_put_format(&flows, "in_port=%s,actions=%s%s\n", place->nic,
                      place->peer_nic ? "output:" : "in_port",
                      place->peer_nic ? place->peer_nic : "");
    }
    if (place->peer_nic) {
        ds_put_format(&flows, "in_port=%s,actions=output:%s\n",
                      place->peer_nic, place->nic);
    }
    add_flows(steps, ds_steal_cstr(&flows));
}

/* Fills in 'steps' with what sets 't' up in 'place', to be done in this order
 * and undone in the reverse one.  With a remote address there is a tunnel and
 * a VM, otherwise what comes from the NIC goes back to it or to its peer. */
void
fig7a_steps_init(struct fig7a_steps *steps, const struct fig7a_topology *t,
                 const struct fig7a_place *place)
{
    *steps = (struct fig7a_steps) { .steps = NULL };
    if (place->remote_ip) {
        add_tunnel_steps(steps, t, place);
    } else {
        add_loop_steps(steps, t, place);
    }
}

/* Frees what 'steps' has. */
void
fig7a_steps_destroy(struct fig7a_steps *steps)
{
    for (size_t i = 0; i < steps->n; i++) {
        svec_destroy(&steps->steps[i].argv);
        svec_destroy(&steps->steps[i].undo);
        free(steps->steps[i].input);
    }
    free(steps->steps);
}
