/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>
#undef NDEBUG

/* A fuzzer for what a guest can write: rings, descriptors, headers and
 * packets, and for what the program that runs a guest can say.
 *
 * Ports of the type "vhostuser" are opened in this process, and each has a
 * guest in this process, joined by the socket.  An input is a series of
 * operations of the guests, see run_input(), between which the ports receive.
 * What they receive is treated as Open vSwitch would: parsed, sent on to a
 * device that can do nothing by itself, and to a guest.
 *
 * With clang, it is a libFuzzer program:
 *
 *     fuzz-vhost -max_total_time=60 CORPUS-FOLDER
 *
 * Otherwise, fuzz-driver.c takes its place. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dp-packet.h"
#include "dummy.h"
#include "flow.h"
#include "fuzz-vhost.h"
#include "netdev.h"
#include "openvswitch/vlog.h"
#include "ovs-compat.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "packet.h"
#include "packets.h"
#include "smap.h"
#include "timeval.h"
#include "userspace-tso.h"
#include "util.h"

/* How long the other side of a socket may take for anything, in ms.  A
 * machine that runs fuzzers may be slow. */
#define TIMEOUT_MS 30000

/* Bytes of an input that are looked at, and operations in it. */
#define MAX_BYTES 4096
#define MAX_OPS 64

/* Inputs between two looks at all of the packet memory. */
#define POOL_CHECK_INTERVAL 500

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pair pairs[] = {
    { .name = "fuzz-split", .n_regions = 1, .n_pairs = 1 },
    { .name = "fuzz-packed", .n_regions = 2, .n_pairs = 1,
      .with = VFE_BIT(VFE_F_RING_PACKED) },
    { .name = "fuzz-old", .n_regions = 1, .n_pairs = 1,
      .without = (VFE_BIT(VFE_F_VERSION_1) | VFE_BIT(VFE_F_MRG_RXBUF)
                  | VFE_BIT(VFE_F_EVENT_IDX) | VFE_BIT(VFE_F_ANY_LAYOUT)) },
    { .name = "fuzz-plain", .n_regions = 3, .n_pairs = 2,
      .without = VFE_BIT(VFE_F_CSUM) | VFE_BIT(VFE_F_GUEST_CSUM)
                 | VFE_BIT(VFE_F_EVENT_IDX) },
};

static struct netdev *sink;     /* Has no offloads. */
static char *rundir;
static int memfd;               /* One page. */

/* Checks of the packet memory. */

/* rte_mempool_obj_cb_t. */
static void
check_mbuf(struct rte_mempool *mp, void *aux OVS_UNUSED, void *mbuf_,
           unsigned int i OVS_UNUSED)
{
    struct rte_mbuf *mbuf = mbuf_;

    assert(mbuf->pool == mp);
    assert(mbuf->nb_segs == 1 && !mbuf->next);
    assert(rte_mbuf_refcnt_read(mbuf) == 1);
}

static unsigned int n_pools;
static bool thorough;

/* If 'mp' is one of ours, checks that all packets are back in it. */
static void
check_pool(struct rte_mempool *mp, void *aux OVS_UNUSED)
{
    if (!strncmp(mp->name, "packets-", 8)) {
        unsigned int n = rte_mempool_avail_count(mp);

        n_pools++;
        if (n != mp->size) {
            ovs_abort(0, "%s: %u packets are back, not %u", mp->name, n,
                      mp->size);
        }
        if (thorough) {
            rte_mempool_obj_iter(mp, check_mbuf, NULL);
        }
    }
}

/* Checks the packet memory of all ports, none of which has a packet. */
static void
check_pools(void)
{
    static unsigned int n_calls;

    n_pools = 0;
    thorough = n_calls++ % POOL_CHECK_INTERVAL == 0;
    rte_mempool_walk(check_pool, NULL);
    assert(n_pools);
}

/* Ports. */

static void
close_rxqs(struct pair *pair)
{
    for (unsigned int i = 0; i < pair->n_rxqs; i++) {
        netdev_rxq_close(pair->rxqs[i]);
    }
    pair->n_rxqs = 0;
}

/* Does what the main thread of Open vSwitch does for a port whose guest has
 * changed. */
static void
run_port(struct pair *pair)
{
    ovsrcu_quiesce_end();
    netdev_run();
    if (!netdev_is_reconf_required(pair->netdev)) {
        goto out;
    }

    close_rxqs(pair);
    assert(!netdev_reconfigure(pair->netdev));
    while (pair->n_rxqs < MIN(netdev_n_rxq(pair->netdev), MAX_RXQS)) {
        assert(!netdev_rxq_open(pair->netdev, &pair->rxqs[pair->n_rxqs],
                                pair->n_rxqs));
        pair->n_rxqs++;
    }

out:
    ovsrcu_quiesce_start();
}

static struct netdev *
open_port(const char *name, const char *type)
{
    struct netdev_saved_flags *saved;
    struct smap options = SMAP_INITIALIZER(&options);
    struct netdev *netdev;
    char *message = NULL;

    if (!strcmp(type, "vhostuser")) {
        smap_add(&options, "tso-offload", "true");
    }

    int error = netdev_open(name, type, &netdev);
    if (!error) {
        error = netdev_set_config(netdev, &options, &message);
    }
    if (!error && netdev_is_reconf_required(netdev)) {
        error = netdev_reconfigure(netdev);
    }
    if (!error) {
        error = netdev_turn_flags_on(netdev, NETDEV_UP, &saved);
    }
    if (error) {
        ovs_fatal(error, "%s: %s", name, message ? message : "cannot open");
    }
    smap_destroy(&options);
    return netdev;
}

/* Guests. */

/* To take too long is the worst that the port can do, short of a crash. */
static void
check_timeout(const struct pair *pair, int error)
{
    if (error == ETIMEDOUT) {
        ovs_abort(0, "%s: no answer: %s", pair->name, pair->vfe.step);
    }
}

static void
disconnect(struct pair *pair)
{
    vfe_destroy(&pair->vfe);
    pair->connected = pair->dirty = pair->confused = false;
}

/* Waits until packets flow between 'pair''s guest and its port.  False if the
 * guest has been disconnected. */
static bool
wait_until_up(struct pair *pair)
{
    long long int deadline = time_msec() + TIMEOUT_MS;

    for (;;) {
        run_port(pair);
        if (netdev_get_carrier(pair->netdev)
            && !netdev_is_reconf_required(pair->netdev)) {
            return true;
        }
        if (!vfe_wait_closed(&pair->vfe, 1)) {
            return false;
        }
        if (time_msec() > deadline) {
            ovs_fatal(0, "%s: the port does not come up", pair->name);
        }
    }
}

/* Connects and starts the guest of 'pair', however long it may take for its
 * last connection to end. */
static void
start_guest(struct pair *pair)
{
    long long int deadline = time_msec() + TIMEOUT_MS;
    int error;

    for (;;) {
        vfe_init(&pair->vfe);
        pair->vfe.n_pairs = pair->n_pairs;
        pair->vfe.n_regions = pair->n_regions;
        pair->vfe.ring_size = 128;
        pair->vfe.buf_size = 1024;
        pair->vfe.timeout_ms = TIMEOUT_MS;
        pair->vfe.feature_mask |= pair->with;
        pair->vfe.feature_mask &= ~pair->without;

        error = vfe_connect(&pair->vfe, pair->path);
        if (!error) {
            error = vfe_start(&pair->vfe);
        }
        check_timeout(pair, error);
        if (!error && wait_until_up(pair)) {
            break;
        }
        vfe_destroy(&pair->vfe);
        if (time_msec() > deadline) {
            ovs_fatal(error, "%s: cannot connect: %s", pair->name,
                      pair->vfe.step);
        }
        usleep(1000);
    }
    pair->connected = true;
}

/* Puts the guest of 'pair' into the state in which all inputs find it. */
static void
ready_guest(struct pair *pair)
{
    if (pair->confused) {
        disconnect(pair);
    } else if (pair->dirty) {
        int error = vfe_restart(&pair->vfe);

        check_timeout(pair, error);
        if (error || !wait_until_up(pair)) {
            disconnect(pair);
        }
        pair->dirty = false;
    }
    if (!pair->connected) {
        start_guest(pair);
    }
}

/* What Open vSwitch does with packets. */

/* Checks what Open vSwitch relies on. */
static void
check_packet(const struct dp_packet *packet)
{
    struct dp_packet *p = CONST_CAST(struct dp_packet *, packet);
    uint32_t size = dp_packet_size(p);
    bool inner;

    assert(size >= ETH_HEADER_LEN && size <= UINT16_MAX);
    assert(p->mbuf.nb_segs == 1 && !p->mbuf.next);
    assert(p->mbuf.pkt_len == p->mbuf.data_len);
    assert(p->mbuf.data_off + size <= p->mbuf.buf_len);
    assert(p->packet_type == htonl(PT_ETH));

    /* Other than for a checksum that is left to someone, the offsets are only
     * valid once the packet has been parsed. */
    uint8_t proto = compat_packet_tx_csum_proto(p, &inner);
    if (proto) {
        assert(!inner && p->l3_ofs < p->l4_ofs && p->l4_ofs < size);
        assert(dp_packet_l4_size(p) >= (proto == IPPROTO_TCP ? TCP_HEADER_LEN
                                        : UDP_HEADER_LEN));
    }
    if (compat_packet_is_tso(p)) {
        const struct tcp_header *tcp = dp_packet_l4(p);

        assert(proto == IPPROTO_TCP && dp_packet_get_tso_segsz(p));
        assert(TCP_OFFSET(tcp->tcp_ctl) * 4 >= TCP_HEADER_LEN);
        assert(TCP_OFFSET(tcp->tcp_ctl) * 4 <= dp_packet_l4_size(p));
    }
}

/* Parses 'packet' as a PMD thread does. */
static void
parse(struct dp_packet *packet)
{
    struct {
        struct miniflow mf;
        uint64_t buf[FLOW_U64S];
    } key;

    pkt_metadata_init(&packet->md, u32_to_odp(1));
    miniflow_extract(packet, &key.mf);

    uint32_t size = dp_packet_size(packet);
    assert(packet->l3_ofs == UINT16_MAX || packet->l3_ofs <= size);
    assert(packet->l4_ofs == UINT16_MAX || packet->l4_ofs <= size);
}

/* Receives from all queues of 'pair' until there is nothing, and sends it to
 * 'to' or, if that is null, nowhere, besides the sink. */
static void
receive(struct pair *pair, struct pair *to)
{
    ovsrcu_quiesce_end();
    for (unsigned int i = 0; i < 16 * pair->n_rxqs; i++) {
        struct dp_packet_batch batch, copies;
        struct dp_packet *packet;

        dp_packet_batch_init(&batch);
        dp_packet_batch_init(&copies);
        if (netdev_rxq_recv(pair->rxqs[i % pair->n_rxqs], &batch, NULL)) {
            continue;
        }
        assert(dp_packet_batch_size(&batch) <= NETDEV_MAX_BURST);
        DP_PACKET_BATCH_FOR_EACH (j, packet, &batch) {
            check_packet(packet);

            /* The copy has no byte more than it needs, so that a sanitizer
             * sees if one is looked at. */
            struct dp_packet *copy = dp_packet_clone(packet);
            parse(copy);
            parse(packet);
            dp_packet_batch_add(&copies, copy);
        }
        netdev_send(sink, 0, &copies, false);
        if (to) {
            netdev_send(to->netdev, i % 3, &batch, true);
        } else {
            dp_packet_delete_batch(&batch, true);
        }
    }
    ovsrcu_quiesce_start();
}

/* Sends a packet that Open vSwitch might have to the guest of 'pair'. */
static void
send_to_guest(struct pair *pair, struct input *in)
{
    static uint8_t frame[VFE_MAX_FRAME];
    struct packet_spec spec = {
        .eth_dst = { 2, 0, 0, 0, 0, 1 },
        .eth_src = { 2, 0, 0, 0, 0, 2 },
        .ip_version = take8(in) & 1 ? 4 : 6,
        .tcp = take8(in) & 1,
        .n_vlans = take8(in) % 3,
        .payload_len = take16(in) % 65000,
        .csum = take8(in) % PACKET_N_CSUMS,
        .seed = 1,
    };
    uint16_t segsz = take16(in);
    struct dp_packet_batch batch;
    struct packet_place place;

    spec.n_options = take8(in) % 5 * 8;
    size_t size = packet_build(&spec, frame, sizeof frame, &place);

    struct dp_packet *packet = dp_packet_clone_data_with_headroom(frame, size,
                                                                  128);
    ovsrcu_quiesce_end();
    parse(packet);
    if (spec.csum == PACKET_CSUM_PARTIAL && !spec.n_options) {
        compat_packet_set_csum_partial(packet, place.proto, place.l4,
                                       place.csum - place.l4);
        if (spec.tcp && segsz > 50 && spec.payload_len > segsz) {
            compat_packet_set_tso(packet, segsz);
        }
    }
    dp_packet_batch_init_packet(&batch, packet);
    netdev_send(pair->netdev, take8(in) % 3, &batch, true);
    ovsrcu_quiesce_start();
}

/* Has the guest send a message, after which it may have been disconnected. */
static void
send_message(struct pair *pair, struct input *in)
{
    int error = op_message(pair, in, memfd);

    if (error) {
        pair->vfe.step = "any message";
        check_timeout(pair, error);
        disconnect(pair);
    }
    run_port(pair);
}

/* Runs one input. */
static void
run_input(struct input *in)
{
    struct pair *pair = &pairs[take8(in) % ARRAY_SIZE(pairs)];
    struct pair *to = &pairs[take8(in) % ARRAY_SIZE(pairs)];

    ready_guest(pair);
    ready_guest(to);
    for (int i = 0; i < MAX_OPS && !at_end(in) && pair->connected; i++) {
        switch (take8(in) % 12) {
        case 0:
        case 1:
            op_frame(pair, in);
            break;
        case 2:
            op_bytes(pair, in);
            break;
        case 3:
        case 4:
            pair->dirty = true;
            op_chain(pair, in);
            break;
        case 5:
            pair->dirty = true;
            op_ring(pair, in);
            break;
        case 6:
            op_memory(pair, in);
            break;
        case 7:
            pair->dirty = true;
            op_index(pair, in);
            break;
        case 8:
            receive(pair, to);
            break;
        case 9:
            send_to_guest(pair, in);
            break;
        case 10:
            op_receive(pair);
            break;
        case 11:
            send_message(pair, in);
            break;
        }
    }
    receive(pair, to);
    if (pair->connected) {
        op_receive(pair);
    }
    if (to->connected) {
        op_receive(to);
    }
    check_pools();
}

static void
clean_up(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i].path) {
            unlink(pairs[i].path);
        }
    }
    rmdir(rundir);
}

int
LLVMFuzzerInitialize(int *argc OVS_UNUSED, char ***argv)
{
    const char *tmpdir = getenv("TMPDIR");
    struct smap config = SMAP_INITIALIZER(&config);

    set_program_name((*argv)[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    rundir = xasprintf("%s/fuzz-vhost-XXXXXX", tmpdir ? tmpdir : "/tmp");
    if (!mkdtemp(rundir)) {
        ovs_fatal(errno, "%s", rundir);
    }
    setenv("OVS_RUNDIR", rundir, 1);
    atexit(clean_up);

    ovs_numa_init();
    smap_add(&config, "userspace-tso-enable", "true");
    userspace_tso_init(&config);
    smap_destroy(&config);
    netdev_dummy_register(DUMMY_OVERRIDE_NONE);
    sink = open_port("sink", "dummy");
    memfd = memfd_create("fuzz-vhost", MFD_CLOEXEC);
    assert(memfd >= 0 && !ftruncate(memfd, 4096));

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct pair *pair = &pairs[i];

        pair->path = xasprintf("%s/%s", rundir, pair->name);
        pair->netdev = open_port(pair->name, "vhostuser");
    }

    /* librte_vhost's thread may wait until we have no packets in hand, and we,
     * for librte_vhost's thread. */
    ovsrcu_quiesce_start();
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .data = data, .size = MIN(size, MAX_BYTES) };

    run_input(&in);
    return 0;
}
