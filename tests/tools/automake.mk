# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# What the test suites send, receive and pretend to be with.

EXTRA_DIST += \
	tests/tools/fake-t-rex-64 \
	tests/tools/pkt-corpus.pcap.gz

# The guest's side of vhost-user, of the programs that need it.
vhost_frontend = \
	tests/tools/vhost-frontend.c \
	tests/tools/vhost-frontend-message.c \
	tests/tools/vhost-frontend-ring.c \
	tests/tools/vhost-frontend.h

# What the system tests send and receive with.
check_PROGRAMS += tests/tools/pkt-tool
tests_tools_pkt_tool_SOURCES = \
	tests/tools/packet.c \
	tests/tools/packet.h \
	tests/tools/pkt-tool.c \
	tests/tools/tool.c \
	tests/tools/tool.h

# Malformed packets: the corpus, and what sends it.
check_PROGRAMS += tests/tools/pkt-corpus
tests_tools_pkt_corpus_SOURCES = \
	tests/tools/packet.c \
	tests/tools/packet.h \
	tests/tools/pkt-corpus.c \
	tests/tools/pkt-corpus.h \
	tests/tools/pkt-corpus-build.c \
	tests/tools/pkt-corpus-build.h \
	tests/tools/pkt-corpus-csum.c \
	tests/tools/pkt-corpus-end.c \
	tests/tools/pkt-corpus-end.h \
	tests/tools/pkt-corpus-make.c \
	tests/tools/tool.c \
	tests/tools/tool.h \
	$(vhost_frontend)

# Attaches BPF programs of others.
check_PROGRAMS += tests/tools/bpf-tool
tests_tools_bpf_tool_SOURCES = tests/tools/bpf-tool.c
tests_tools_bpf_tool_LDADD = $(LIBBPF_LIBS)

# A guest at the other end of a vhost-user socket.
check_PROGRAMS += tests/tools/vhost-guest
tests_tools_vhost_guest_SOURCES = \
	tests/tools/fuse-file.c \
	tests/tools/fuse-file.h \
	tests/tools/packet.c \
	tests/tools/packet.h \
	tests/tools/tool.c \
	tests/tools/tool.h \
	$(vhost_frontend) \
	tests/tools/vhost-guest.c \
	tests/tools/vhost-hostile.c \
	tests/tools/vhost-hostile-act.c \
	tests/tools/vhost-hostile-act.h \
	tests/tools/vhost-hostile-connect.c \
	tests/tools/vhost-hostile-desc.c \
	tests/tools/vhost-hostile-fd.c \
	tests/tools/vhost-hostile-features.c \
	tests/tools/vhost-hostile-header.c \
	tests/tools/vhost-hostile-memory.c \
	tests/tools/vhost-hostile-message.c \
	tests/tools/vhost-hostile-request.c \
	tests/tools/vhost-hostile-ring.c \
	tests/tools/vhost-hostile-setup.c \
	tests/tools/vhost-hostile-slow.c \
	tests/tools/vhost-hostile-unasked.c \
	tests/tools/vhost-hostile.h

# Stands between a guest and a vhost-user port.
check_PROGRAMS += tests/tools/vhost-proxy
tests_tools_vhost_proxy_SOURCES = \
	tests/tools/vhost-proxy.c \
	utilities/fig7a/vhost-proxy.c \
	utilities/fig7a/vhost-proxy.h
tests_tools_vhost_proxy_LDADD = $(ovs_builddir)/lib/libopenvswitch.la
tests_tools_vhost_proxy_LDFLAGS = $(AM_LDFLAGS) -Wl,--as-needed
