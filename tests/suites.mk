# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The files of the test suites.  Included by automake.mk.

TESTSUITE_AT += \
	tests/fig7a.at \
	tests/fig7a-trex.at \
	tests/fig7a-results.at \
	tests/partial-csum.at \
	tests/pkt-corpus.at \
	tests/vswitchd.at

SYSTEM_AFXDP_TESTSUITE_AT += \
	tests/afxdp-macros.at \
	tests/afxdp-traffic.at \
	tests/afxdp-csum.at \
	tests/afxdp-mtu.at \
	tests/afxdp-lifecycle.at \
	tests/afxdp-errors.at \
	tests/afxdp-memory.at \
	tests/failures-macros.at \
	tests/failures-afxdp.at

SYSTEM_VHOST_TESTSUITE_AT += \
	tests/afxdp-macros.at \
	tests/vhost-macros.at \
	tests/vhost-options.at \
	tests/vhost-lifecycle.at \
	tests/vhost-hostile.at \
	tests/vhost-trust.at \
	tests/vhost-fuzz.at \
	tests/malformed.at \
	tests/vhost-csum.at \
	tests/vhost-guests.at \
	tests/vhost-proxy.at \
	tests/failures-macros.at \
	tests/failures-vhost.at

SYSTEM_FIG7A_TESTSUITE_AT += \
	tests/afxdp-macros.at \
	tests/fig7a-pipeline.at \
	tests/fig7a-up.at \
	tests/fig7a-run.at \
	tests/fig7a-traffic.at

EXTRA_DIST += \
	tests/README.rst \
	tests/fake-t-rex-64 \
	tests/pkt-corpus.pcap.gz

# Unit tests: of checksums, with random packets, and of guests' memory.
check_PROGRAMS += tests/test-plugins
tests_test_plugins_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/test-plugins.c
tests_test_plugins_LDADD = $(OVS_AND_OUR_LIBS)
tests_test_plugins_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

check_PROGRAMS += tests/test-memory
tests_test_memory_SOURCES = tests/test-memory.c
tests_test_memory_LDADD = $(OVS_AND_OUR_LIBS)
tests_test_memory_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

# What the system tests send and receive with.
check_PROGRAMS += tests/pkt-tool
tests_pkt_tool_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/pkt-tool.c \
	tests/tool.c \
	tests/tool.h

# Malformed packets: the corpus, and what sends it.
check_PROGRAMS += tests/pkt-corpus
tests_pkt_corpus_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/pkt-corpus.c \
	tests/pkt-corpus.h \
	tests/pkt-corpus-csum.c \
	tests/pkt-corpus-make.c \
	tests/tool.c \
	tests/tool.h \
	tests/vhost-frontend.c \
	tests/vhost-frontend.h

# Attaches BPF programs of others.
check_PROGRAMS += tests/bpf-tool
tests_bpf_tool_SOURCES = tests/bpf-tool.c
tests_bpf_tool_LDADD = $(LIBBPF_LIBS)

# A guest at the other end of a vhost-user socket.
check_PROGRAMS += tests/vhost-guest
tests_vhost_guest_SOURCES = \
	tests/fuse-file.c \
	tests/fuse-file.h \
	tests/packet.c \
	tests/packet.h \
	tests/tool.c \
	tests/tool.h \
	tests/vhost-frontend.c \
	tests/vhost-frontend.h \
	tests/vhost-guest.c \
	tests/vhost-hostile.c \
	tests/vhost-hostile.h

# Stands between a guest and a vhost-user port.
check_PROGRAMS += tests/vhost-proxy
tests_vhost_proxy_SOURCES = \
	tests/vhost-proxy.c \
	utilities/fig7a-vhost-proxy.c \
	utilities/fig7a-vhost-proxy.h
tests_vhost_proxy_LDADD = $(OVS_AND_OUR_LIBS)
tests_vhost_proxy_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)
