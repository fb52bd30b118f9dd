# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Everything but the netdev classes: a convenience library, so that tests can
# link it too.

noinst_LTLIBRARIES += lib/libdatapathplugins.la
lib_libdatapathplugins_la_SOURCES = \
	lib/dpdk-compat.c \
	lib/eal.c \
	lib/eal.h \
	lib/frame-pool.c \
	lib/frame-pool.h \
	lib/ovs-compat.h \
	lib/partial-csum.c \
	lib/partial-csum.h \
	lib/port-options.c \
	lib/port-options.h \
	lib/vhost/broker.c \
	lib/vhost/broker.h \
	lib/vhost/data.c \
	lib/vhost/descriptors.c \
	lib/vhost/descriptors.h \
	lib/vhost/device.c \
	lib/vhost/device.h \
	lib/vhost/memory.c \
	lib/vhost/memory.h \
	lib/vhost/messages.c \
	lib/vhost/messages.h \
	lib/vhost/notify.c \
	lib/vhost/notify.h \
	lib/vhost/report.c \
	lib/vhost/socket.c \
	lib/vhost/socket.h \
	lib/vhost/stream.c \
	lib/vhost/stream.h \
	lib/xsk/program.c \
	lib/xsk/program.h \
	lib/xsk/receive.c \
	lib/xsk/rings.h \
	lib/xsk/rx-meta.h \
	lib/xsk/send.c \
	lib/xsk/socket.c \
	lib/xsk/socket.h
lib_libdatapathplugins_la_LIBADD = \
	lib/libxskfeatures.la $(LIBXDP_LIBS) $(LIBBPF_LIBS)

# What a device's driver can do: of the above, all that ovs-fig7a needs.
noinst_LTLIBRARIES += lib/libxskfeatures.la
lib_libxskfeatures_la_SOURCES = \
	lib/xsk/features.c \
	lib/xsk/features.h

# What bpftool 7.5 generates does not compile with our warnings.
GEN_SKELETON = { echo '\#pragma GCC system_header' && $(BPFTOOL) gen skeleton

# The XDP program: C to BPF object, BPF object to a header that carries it.
lib/xsk/redirect.bpf.o: lib/xsk/redirect.bpf.c
	$(AM_V_GEN)$(MKDIR_P) lib/xsk && \
	$(CLANG) -target bpf $(BPF_CFLAGS) -MMD -MP -MF $@.d \
	  -c $(top_srcdir)/lib/xsk/redirect.bpf.c -o $@
-include lib/xsk/redirect.bpf.o.d

lib/xsk/redirect.skel.h: lib/xsk/redirect.bpf.o
	$(AM_V_GEN)$(GEN_SKELETON) lib/xsk/redirect.bpf.o \
	  name xsk_redirect; } > $@.tmp && mv $@.tmp $@
lib/xsk/program.lo: lib/xsk/redirect.skel.h

BUILT_SOURCES += lib/xsk/redirect.skel.h
CLEANFILES += \
	lib/xsk/redirect.bpf.o \
	lib/xsk/redirect.bpf.o.d \
	lib/xsk/redirect.skel.h
EXTRA_DIST += lib/xsk/redirect.bpf.c
