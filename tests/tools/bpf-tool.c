/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

/* Attaches BPF programs to devices; usage() has the commands. */

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Places for programs that see a device's packets, of Linux 6.6. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };

/* What such a program returns. */
enum { VERDICT_PASS = 0, VERDICT_DROP = 2 };

#define N_INSNS(INSNS) (sizeof INSNS / sizeof INSNS[0])

static void
usage(void)
{
    fputs("usage: bpf-tool COMMAND\n"
          "  native|generic DEVICE\n"
          "      attach an XDP program that passes all packets on to the\n"
          "      kernel, and print its ID\n"
          "  show DEVICE\n"
          "      print the ID of the XDP program attached, 0 if none\n"
          "  tag DEVICE VID [INNER-VID]\n"
          "      put VLAN tags on all packets that leave by DEVICE and take\n"
          "      them off those that come, as VLAN devices do; packets with\n"
          "      other tags are dropped.  With two tags, the outer one is\n"
          "      802.1ad\n", stderr);
    exit(2);
}

static void
die(const char *what, int error)
{
    fprintf(stderr, "bpf-tool: %s: %s\n", what, strerror(error));
    exit(1);
}

static __u32
attached_id(int ifindex)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, opts);
    int error = bpf_xdp_query(ifindex, 0, &opts);

    if (error) {
        die("query", -error);
    }
    return (opts.prog_id ? opts.prog_id
            : opts.drv_prog_id ? opts.drv_prog_id : opts.skb_prog_id);
}

static void
cmd_xdp(int ifindex, __u32 mode)
{
    const struct bpf_insn insns[] = {
        { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
          .imm = XDP_PASS },
        { .code = BPF_JMP | BPF_EXIT },
    };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns,
                           N_INSNS(insns), NULL);
    if (fd < 0) {
        die("load", -fd);
    }

    int error = bpf_xdp_attach(ifindex, fd, XDP_FLAGS_UPDATE_IF_NOEXIST | mode,
                               NULL);
    if (error) {
        die("attach", -error);
    }
    close(fd);
}

static void
attach_tcx(int ifindex, int where, const struct bpf_insn *insns, size_t n)
{
    int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tag", "GPL", insns, n,
                           NULL);
    if (fd < 0) {
        die("load", -fd);
    }

    int error = bpf_prog_attach(fd, ifindex, where, 0);
    if (error) {
        die("attach (needs Linux 6.6)", -error);
    }
    close(fd);
}

/* Instructions; 'r6' is the packet. */
#define SET(REG, VALUE)                                                      \
    { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = REG, .imm = VALUE }
#define COPY(TO, FROM)                                                       \
    { .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = TO, .src_reg = FROM }
#define CALL(FUNC)                                                           \
    { .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_##FUNC }
#define FIELD(REG, MEMBER)                                                   \
    { .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = REG,                     \
      .src_reg = BPF_REG_6,                                                  \
      .off = offsetof(struct __sk_buff, MEMBER) }
#define AND(REG, MASK)                                                       \
    { .code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = REG, .imm = MASK }
#define SKIP_IF_EQUAL(REG, VALUE, N)                                         \
    { .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = REG, .imm = VALUE,       \
      .off = N }
#define EXIT { .code = BPF_JMP | BPF_EXIT }

#define PUSH_TAG(PROTO, VID)                                                 \
    COPY(BPF_REG_1, BPF_REG_6),                                              \
    SET(BPF_REG_2, htons(PROTO)),                                            \
    SET(BPF_REG_3, VID),                                                     \
    CALL(skb_vlan_push)
#define POP_TAG(PROTO, VID)                                                  \
    SET(BPF_REG_0, VERDICT_DROP),                                            \
    FIELD(BPF_REG_1, vlan_present),                                          \
    SKIP_IF_EQUAL(BPF_REG_1, 1, 1),                                          \
    EXIT,                                                                    \
    FIELD(BPF_REG_1, vlan_proto),                                            \
    SKIP_IF_EQUAL(BPF_REG_1, htons(PROTO), 1),                               \
    EXIT,                                                                    \
    FIELD(BPF_REG_1, vlan_tci),                                              \
    AND(BPF_REG_1, 0xfff),                                                   \
    SKIP_IF_EQUAL(BPF_REG_1, VID, 1),                                        \
    EXIT,                                                                    \
    COPY(BPF_REG_1, BPF_REG_6),                                              \
    CALL(skb_vlan_pop)
#define BEGIN COPY(BPF_REG_6, BPF_REG_1)
#define PASS SET(BPF_REG_0, VERDICT_PASS), EXIT

static void
cmd_tag(int ifindex, int outer, int inner)
{
    if (inner) {
        const struct bpf_insn push[] = {
            BEGIN, PUSH_TAG(ETH_P_8021Q, inner),
            PUSH_TAG(ETH_P_8021AD, outer), PASS
        };
        const struct bpf_insn pop[] = {
            BEGIN, POP_TAG(ETH_P_8021AD, outer), POP_TAG(ETH_P_8021Q, inner),
            PASS
        };

        attach_tcx(ifindex, TCX_EGRESS, push, N_INSNS(push));
        attach_tcx(ifindex, TCX_INGRESS, pop, N_INSNS(pop));
    } else {
        const struct bpf_insn push[] = {
            BEGIN, PUSH_TAG(ETH_P_8021Q, outer), PASS
        };
        const struct bpf_insn pop[] = {
            BEGIN, POP_TAG(ETH_P_8021Q, outer), PASS
        };

        attach_tcx(ifindex, TCX_EGRESS, push, N_INSNS(push));
        attach_tcx(ifindex, TCX_INGRESS, pop, N_INSNS(pop));
    }
}

int
main(int argc, char *argv[])
{
    const char *command = argc > 2 ? argv[1] : "";
    int ifindex = argc > 2 ? if_nametoindex(argv[2]) : 0;

    if (argc > 2 && !ifindex) {
        die(argv[2], errno);
    }
    if (!strcmp(command, "tag") && (argc == 4 || argc == 5)) {
        cmd_tag(ifindex, atoi(argv[3]), argc == 5 ? atoi(argv[4]) : 0);
        return 0;
    } else if (argc != 3) {
        usage();
    } else if (!strcmp(command, "native")) {
        cmd_xdp(ifindex, XDP_FLAGS_DRV_MODE);
    } else if (!strcmp(command, "generic")) {
        cmd_xdp(ifindex, XDP_FLAGS_SKB_MODE);
    } else if (strcmp(command, "show")) {
        usage();
    }
    printf("%u\n", attached_id(ifindex));
    return 0;
}
