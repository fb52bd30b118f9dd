# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The files of the test suites.  Included by automake.mk.

TESTSUITE_AT += \
	tests/partial-csum.at \
	tests/vswitchd.at

SYSTEM_AFXDP_TESTSUITE_AT += \
	tests/afxdp-macros.at \
	tests/afxdp-traffic.at \
	tests/afxdp-csum.at \
	tests/afxdp-mtu.at \
	tests/afxdp-lifecycle.at \
	tests/afxdp-errors.at \
	tests/afxdp-memory.at

EXTRA_DIST += tests/README.rst

# Unit tests, with random packets.
check_PROGRAMS += tests/test-plugins
tests_test_plugins_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/test-plugins.c
tests_test_plugins_LDADD = $(OVS_AND_OUR_LIBS)
tests_test_plugins_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

# What the system tests send and receive with.
check_PROGRAMS += tests/pkt-tool
tests_pkt_tool_SOURCES = \
	tests/packet.c \
	tests/packet.h \
	tests/pkt-tool.c

# Attaches BPF programs of others.
check_PROGRAMS += tests/bpf-tool
tests_bpf_tool_SOURCES = tests/bpf-tool.c
tests_bpf_tool_LDADD = $(LIBBPF_LIBS)
