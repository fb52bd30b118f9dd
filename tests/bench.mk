# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks, "./quickstart bench": drivers and the programs they need.

noinst_PROGRAMS = \
	tests/netdev-loop \
	tests/vhost-load \
	tests/xdp-load

# Counts what an interface type costs in user space.
tests_netdev_loop_SOURCES = tests/netdev-loop.c
tests_netdev_loop_LDADD = $(OVS_AND_OUR_LIBS)
tests_netdev_loop_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

# A guest that sends, receives or echoes packets.
tests_vhost_load_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/tool.c \
	tests/tool.h \
	tests/vhost-load.c
tests_vhost_load_LDADD = $(DPDK_LIBS)

# Preloaded to count copies.
noinst_DATA = tests/copy-count.so
tests/copy-count.so: $(top_srcdir)/tests/copy-count.c
	$(AM_V_CC)$(MKDIR_P) tests && $(CC) -std=gnu11 -O2 -g -fPIC -shared \
	  -fno-builtin -fno-tree-loop-distribute-patterns $(OVS_WARNINGS) \
	  $(DP_WERROR) -o $@ $(top_srcdir)/tests/copy-count.c -ldl

# Sends and counts packets inside XDP.
tests_xdp_load_SOURCES = tests/tool.c tests/tool.h tests/xdp-load.c
tests_xdp_load_LDADD = $(LIBBPF_LIBS)

tests/xdp-load.bpf.o: tests/xdp-load.bpf.c
	$(AM_V_GEN)$(MKDIR_P) tests && \
	$(CLANG) -target bpf $(BPF_CFLAGS) -MMD -MP -MF $@.d \
	  -c $(top_srcdir)/tests/xdp-load.bpf.c -o $@
-include tests/xdp-load.bpf.o.d

tests/xdp-load.skel.h: tests/xdp-load.bpf.o
	$(AM_V_GEN)$(GEN_SKELETON) tests/xdp-load.bpf.o \
	  name xdp_load; } > $@.tmp && mv $@.tmp $@
tests/xdp-load.$(OBJEXT): tests/xdp-load.skel.h

BUILT_SOURCES += tests/xdp-load.skel.h
CLEANFILES += \
	tests/copy-count.so \
	tests/xdp-load.bpf.o \
	tests/xdp-load.bpf.o.d \
	tests/xdp-load.skel.h
EXTRA_DIST += \
	tests/bench \
	tests/bench-lib \
	tests/bench-vhost \
	tests/copy-count.c \
	tests/xdp-load.bpf.c
