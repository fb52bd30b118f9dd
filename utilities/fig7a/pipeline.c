/* Copyright (c) 2026 The ovs-datapath-plugins authors.
 * SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "pipeline.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* The pipeline "nsx" has the shape that the paper's Table 3 gives to the rules
 * of a hypervisor: 103,302 of them in 40 tables, with 31 fields; 15 VMs with
 * two interfaces each, 291 Geneve tunnels, and a firewall in front of each
 * interface.  Each packet of the one VM that there is is looked up three
 * times:
 *
 *     tables 0 to 10     where it comes from, and whether it may say so
 *     tables 11 to 24    after ct() in the zone of the VM: the firewall
 *     tables 25 to 39    after ct() in the zone of the gateway: its firewall,
 *                        routes, MAC addresses, tunnels
 *
 * and so is each packet for it.  What is not for a firewall goes from the
 * first part to the last.
 *
 * Rules are written with letters behind "@" that stand for values:
 *
 *     A, B   the two ports               s   an IPv4 address \
 *     n      the next table              6   an IPv6 address  } one per rule
 *     v      one of 64 VNIs              m   a MAC address   /
 *     t      one of 291 tunnels          d   an IPv4 network, any
 *     i      one of 29 other interfaces  p   a port number, any
 */

/* The rules that packets need, with the number of the table first.  Other
 * tables have just a rule that goes on to the next one. */
static const struct {
    int table;
    const char *rule;
} needed_rules[] = {
    /* From the VM, or out of the tunnel. */
    { 0, "priority=100,in_port=@A,actions=set_field:1->reg0,resubmit(,1)" },
    { 0, "priority=100,in_port=@B,actions=set_field:0->reg0,resubmit(,5)" },
    { 0, "priority=0,actions=drop" },
    { 4, "priority=0,actions=resubmit(,7)" },

    /* No matter for a firewall: neighbor discovery, ARP, and multicast. */
    { 10, "priority=65000,icmp6,icmp_type=135,icmp_code=0,"
          "actions=resubmit(,34)" },
    { 10, "priority=65000,icmp6,icmp_type=136,icmp_code=0,"
          "actions=resubmit(,34)" },
    { 10, "priority=64000,ip,nw_dst=224.0.0.0/4,actions=resubmit(,34)" },
    { 10, "priority=64000,ipv6,ipv6_dst=ff00::/8,actions=resubmit(,34)" },
    { 10, "priority=60000,ip,actions=ct(table=11,zone=7001)" },
    { 10, "priority=60000,ipv6,actions=ct(table=11,zone=7001)" },
    { 10, "priority=0,actions=resubmit(,34)" },

    /* The firewall of the VM. */
    { 11, "priority=65000,ct_state=+trk+inv,actions=drop" },
    { 11, "priority=64000,ct_state=+trk+est-new,actions=resubmit(,24)" },
    { 11, "priority=64000,ct_state=+trk+rel,actions=resubmit(,24)" },
    { 11, "priority=63000,ct_state=+trk+new,actions=resubmit(,12)" },
    { 11, "priority=0,actions=drop" },
    { 23, "priority=60000,ip,actions=ct(commit,zone=7001),resubmit(,24)" },
    { 23, "priority=60000,ipv6,actions=ct(commit,zone=7001),resubmit(,24)" },
    { 23, "priority=0,actions=drop" },
    { 24, "priority=60000,ip,actions=ct(table=25,zone=7002)" },
    { 24, "priority=60000,ipv6,actions=ct(table=25,zone=7002)" },
    { 24, "priority=0,actions=drop" },

    /* That of the gateway. */
    { 25, "priority=65000,ct_state=+trk+inv,actions=drop" },
    { 25, "priority=64000,ct_state=+trk+est-new,ct_mark=0x1/0x1,"
          "actions=resubmit(,30)" },
    { 25, "priority=64000,ct_state=+trk+rel,actions=resubmit(,30)" },
    { 25, "priority=63000,ct_state=+trk+new,actions=resubmit(,26)" },
    { 25, "priority=0,actions=drop" },
    { 29, "priority=60000,ip,actions=ct(commit,zone=7002,"
          "exec(set_field:0x1->ct_mark)),resubmit(,30)" },
    { 29, "priority=60000,ipv6,actions=ct(commit,zone=7002,"
          "exec(set_field:0x1->ct_mark)),resubmit(,30)" },
    { 29, "priority=0,actions=drop" },

    /* Into the tunnel, or to the VM. */
    { 39, "priority=100,in_port=@A,actions=output:@B" },
    { 39, "priority=100,in_port=@B,actions=output:@A" },
    { 39, "priority=0,actions=drop" },
};

/* Rules of other VMs.  Each has an address that nobody has: IPv4 addresses and
 * networks in 240.0.0.0/4, which is reserved, IPv6 addresses in 2001:db8::/32,
 * which is for documentation, and MAC addresses that start with 02:f7:0a. */
static const struct {
    int first, last;            /* Tables. */
    unsigned int weight;        /* How many, in relation to the others. */
    const char *match, *actions;
} other_rules[] = {
    /* Interfaces: where they are, and which addresses they have. */
    { 0, 0, 2, "in_port=@i,dl_src=@m", "set_field:@i->reg0,resubmit(,1)" },
    { 1, 1, 4, "reg0=@i,dl_src=@m", "resubmit(,2)" },
    { 2, 2, 4, "ip,reg0=@i,nw_src=@s", "resubmit(,3)" },
    { 2, 2, 2, "ipv6,reg0=@i,ipv6_src=@6", "resubmit(,3)" },
    { 3, 3, 3, "arp,reg0=@i,arp_op=1,arp_spa=@s", "resubmit(,4)" },
    { 3, 3, 2, "icmp6,icmp_type=136,icmp_code=0,nd_target=@6",
      "resubmit(,4)" },
    { 4, 4, 1, "udp,dl_src=@m,udp_src=68,udp_dst=67", "resubmit(,7)" },

    /* Tunnels: which networks are behind them. */
    { 5, 5, 3, "tun_id=@v,tun_src=@t,dl_src=@m",
      "set_field:@v->reg1,resubmit(,6)" },
    { 6, 6, 1, "tun_src=@t,ip,nw_src=@s", "resubmit(,7)" },
    { 7, 7, 1, "ip,nw_tos=184,nw_src=@s", "set_field:1->reg2,resubmit(,8)" },
    { 8, 8, 1, "dl_dst=@m", "resubmit(,9)" },
    { 9, 9, 1, "ip,reg1=@v,nw_dst=@s", "resubmit(,34)" },

    /* The firewall, which is most of it. */
    { 12, 22, 26, "tcp,nw_src=@s,nw_dst=@d,tcp_dst=@p", "resubmit(,23)" },
    { 12, 22, 14, "tcp,nw_src=@s,nw_dst=@d", "drop" },
    { 12, 22, 6, "tcp,nw_src=@d,nw_dst=@s,tcp_src=@p", "resubmit(,23)" },
    { 12, 22, 2, "tcp,nw_dst=@s,tcp_flags=+syn-ack", "drop" },
    { 12, 22, 12, "udp,nw_src=@s,nw_dst=@d,udp_dst=@p", "resubmit(,23)" },
    { 12, 22, 2, "udp,nw_src=@d,nw_dst=@s,udp_src=@p", "drop" },
    { 12, 22, 4, "icmp,nw_src=@s,nw_dst=@d,icmp_type=8,icmp_code=0",
      "resubmit(,23)" },
    { 12, 22, 8, "ip,nw_src=@s,nw_dst=@d", "resubmit(,23)" },
    { 12, 22, 4, "tcp6,ipv6_src=@6,tcp_dst=@p", "resubmit(,23)" },
    { 12, 22, 2, "udp6,ipv6_dst=@6,udp_dst=@p", "drop" },
    { 12, 22, 1, "ip,nw_frag=later,nw_src=@s", "drop" },

    /* The gateway, and where addresses are. */
    { 26, 28, 8, "ct_state=+trk+new,tcp,nw_dst=@s,tcp_dst=@p",
      "resubmit(,29)" },
    { 26, 28, 2, "ct_mark=0x2/0x2,ip,nw_src=@s", "drop" },
    { 30, 30, 4, "ip,nw_dst=@s", "dec_ttl,set_field:@v->reg1,resubmit(,31)" },
    { 31, 31, 4, "ip,reg1=@v,nw_dst=@s", "set_field:@m->eth_dst,"
      "resubmit(,32)" },
    { 32, 32, 1, "ip,nw_ttl=1,nw_dst=@s", "drop" },
    { 33, 33, 2, "arp,reg1=@v,arp_op=1,arp_tpa=@s", "drop" },
    { 34, 34, 6, "reg1=@v,dl_dst=@m", "set_field:@i->reg0,resubmit(,35)" },
    { 35, 35, 4, "reg1=@v,dl_dst=@m",
      "set_field:@v->tun_id,set_field:@t->tun_dst,resubmit(,39)" },
    { 36, 38, 1, "reg0=@i,dl_dst=@m", "resubmit(,@n)" },
};

#define N_TABLES 40

/* Numbers that are the same each time. */
static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Appends 'name' of a port as ovs-ofctl takes it. */
static void
put_port(struct ds *ds, const char *name)
{
    bool plain = isalpha((unsigned char) name[0]);

    for (const char *p = name; *p; p++) {
        plain = plain && (isalnum((unsigned char) *p) || strchr("-_.", *p));
    }
    ds_put_format(ds, plain ? "%s" : "\"%s\"", name);
}

/* What the letters in a rule stand for. */
struct values {
    const char *a, *b;          /* Ports. */
    int table;
    uint32_t number;            /* Of the rule. */
    uint32_t random;
};

/* Appends 'rule' with the letters in it replaced by 'v'. */
static void
put_rule(struct ds *ds, const char *rule, const struct values *v)
{
    for (const char *p = rule; *p; p++) {
        uint32_t n = v->number, r = v->random;

        if (*p != '@') {
            ds_put_char(ds, *p);
            continue;
        }
        switch (*++p) {
        case 'A':
            put_port(ds, v->a);
            break;
        case 'B':
            put_port(ds, v->b);
            break;
        case 'n':
            ds_put_format(ds, "%d", v->table + 1);
            break;
        case 'v':
            ds_put_format(ds, "0x%x", 0x11000 + r % 64);
            break;
        case 't':
            ds_put_format(ds, "241.0.%u.%u", r % 291 / 200,
                          r % 291 % 200 + 1);
            break;
        case 'i':
            ds_put_format(ds, "%u", 1001 + r % 29);
            break;
        case 's':
            ds_put_format(ds, "240.%u.%u.%u", n / 65536, n / 256 % 256,
                          n % 256);
            break;
        case '6':
            ds_put_format(ds, "2001:db8::%x:%x", n >> 16, n & 0xffff);
            break;
        case 'm':
            ds_put_format(ds, "02:f7:0a:%02x:%02x:%02x", n >> 16,
                          n / 256 % 256, n % 256);
            break;
        case 'd':
            ds_put_format(ds, "240.%u.%u.0/24", r % 2, r / 2 % 256);
            break;
        case 'p':
            ds_put_format(ds, "%u", 1024 + r % 32768);
            break;
        default:
            OVS_NOT_REACHED();
        }
    }
}

/* Appends the rules that packets need, and counts them. */
static unsigned int
put_needed_rules(struct ds *ds, const char *a, const char *b)
{
    struct values v = { .a = a, .b = b };
    bool ends[N_TABLES] = { false };
    unsigned int n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(needed_rules); i++) {
        const char *rule = needed_rules[i].rule;

        v.table = needed_rules[i].table;
        ds_put_format(ds, "table=%d,", v.table);
        put_rule(ds, rule, &v);
        ds_put_char(ds, '\n');
        if (!strncmp(rule, "priority=0,", 11)) {
            ends[v.table] = true;
        }
        n++;
    }
    for (v.table = 0; v.table < N_TABLES; v.table++) {
        if (!ends[v.table]) {
            ds_put_format(ds, "table=%d,priority=0,actions=resubmit(,%d)\n",
                          v.table, v.table + 1);
            n++;
        }
    }
    return n;
}

/* Which of 'other_rules' is number 'n'.  All kinds come once, then they come
 * as often as they weigh. */
static size_t
choose_rule(uint32_t n, uint32_t *state)
{
    unsigned int total = 0, r;
    size_t i;

    if (n < ARRAY_SIZE(other_rules)) {
        return n;
    }
    for (i = 0; i < ARRAY_SIZE(other_rules); i++) {
        total += other_rules[i].weight;
    }
    r = next_random(state) % total;
    for (i = 0; r >= other_rules[i].weight; i++) {
        r -= other_rules[i].weight;
    }
    return i;
}

/* Appends rules that connect the ports 'a' and 'b' and do no more. */
void
fig7a_pipeline_forward(struct ds *ds, const char *a, const char *b)
{
    for (int i = 0; i < 2; i++) {
        ds_put_cstr(ds, "in_port=");
        put_port(ds, i ? b : a);
        ds_put_cstr(ds, ",actions=output:");
        put_port(ds, i ? a : b);
        ds_put_char(ds, '\n');
    }
}

/* Appends 'n_rules' rules, at least 100, that connect the ports 'vm' and
 * 'tunnel' by the pipeline described above. */
void
fig7a_pipeline_nsx(struct ds *ds, const char *vm, const char *tunnel,
                   unsigned int n_rules)
{
    struct values v = { .a = vm, .b = tunnel };
    unsigned int n = put_needed_rules(ds, vm, tunnel);
    uint32_t state = 1;

    ovs_assert(n + ARRAY_SIZE(other_rules) <= 100);
    for (; n < n_rules; n++, v.number++) {
        size_t i = choose_rule(v.number, &state);
        int n_tables = other_rules[i].last - other_rules[i].first + 1;

        v.table = other_rules[i].first + next_random(&state) % n_tables;
        v.random = next_random(&state);
        ds_put_format(ds, "table=%d,priority=%u,", v.table,
                      1000 + next_random(&state) % 50000);
        put_rule(ds, other_rules[i].match, &v);
        ds_put_cstr(ds, ",actions=");
        put_rule(ds, other_rules[i].actions, &v);
        ds_put_char(ds, '\n');
    }
}
