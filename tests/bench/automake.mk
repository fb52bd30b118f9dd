# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks, "./quickstart bench": drivers and the programs they need.

noinst_PROGRAMS = \
	tests/bench/netdev-loop \
	tests/bench/vhost-load \
	tests/bench/xdp-load

# Counts what an interface type costs in user space.
tests_bench_netdev_loop_SOURCES = \
	tests/bench/netdev-loop.c \
	$(REPLACED_FUNCTIONS)
tests_bench_netdev_loop_LDADD = $(OVS_AND_OUR_LIBS)
tests_bench_netdev_loop_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

# A guest that sends, receives or echoes packets.
tests_bench_vhost_load_SOURCES = \
	tests/bench/vhost-load.c \
	tests/tools/packet.c \
	tests/tools/packet.h \
	tests/tools/tool.c \
	tests/tools/tool.h
tests_bench_vhost_load_LDADD = $(DPDK_LIBS)

# Preloaded to count copies.
noinst_DATA = tests/bench/copy-count.so
tests/bench/copy-count.so: $(top_srcdir)/tests/bench/copy-count.c
	$(AM_V_CC)$(MKDIR_P) $(@D) && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  -fno-builtin -fno-tree-loop-distribute-patterns $(OVS_WARNINGS) \
	  $(DP_WERROR) -o $@ $(top_srcdir)/tests/bench/copy-count.c -ldl

# Sends and counts packets inside XDP.
tests_bench_xdp_load_SOURCES = \
	tests/bench/xdp-load.c \
	tests/tools/tool.c \
	tests/tools/tool.h
tests_bench_xdp_load_LDADD = $(LIBBPF_LIBS)

tests/bench/xdp-load.bpf.o: tests/bench/xdp-load.bpf.c
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(CLANG) -target bpf $(BPF_CFLAGS) -MMD -MP -MF $@.d \
	  -c $(top_srcdir)/tests/bench/xdp-load.bpf.c -o $@
-include tests/bench/xdp-load.bpf.o.d

tests/bench/xdp-load.skel.h: tests/bench/xdp-load.bpf.o
	$(AM_V_GEN)$(GEN_SKELETON) tests/bench/xdp-load.bpf.o \
	  name xdp_load; } > $@.tmp && mv $@.tmp $@
tests/bench/xdp-load.$(OBJEXT): tests/bench/xdp-load.skel.h

BUILT_SOURCES += tests/bench/xdp-load.skel.h
CLEANFILES += \
	tests/bench/copy-count.so \
	tests/bench/xdp-load.bpf.o \
	tests/bench/xdp-load.bpf.o.d \
	tests/bench/xdp-load.skel.h
EXTRA_DIST += \
	tests/bench/bench \
	tests/bench/bench-lib \
	tests/bench/bench-vhost \
	tests/bench/copy-count.c \
	tests/bench/functions.awk \
	tests/bench/report-vhost.awk \
	tests/bench/report.awk \
	tests/bench/xdp-load.bpf.c
