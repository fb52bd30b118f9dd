# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The fuzzers, which have their own objects: ours, and those of Open vSwitch
# that take packets apart, with the checks of AddressSanitizer and
# UndefinedBehaviorSanitizer.  With clang and its libFuzzer, or else without.
#
#   make check-fuzz FUZZ_TIME=3600      as long as one likes, in seconds
#
# needs root and, as the system tests do, namespaces of its own.
#
#   make check-fuzz-packet FUZZ_TIME=3600
#   make check-fuzz-messages FUZZ_TIME=3600
#
# need neither.  They leave the inputs that they have found in
# tests/fuzz/corpus/ of the build tree: vhost, packet and messages.

FUZZ_TIME = 600

FUZZ_VHOST_C = \
	tests/fuzz/fuzz-vhost.c \
	tests/fuzz/fuzz-vhost-ops.c \
	tests/tools/packet.c \
	tests/tools/tool.c \
	$(filter %.c,$(vhost_frontend)) \
	$(REPLACED_FUNCTIONS) \
	$(filter %.c,$(lib_libdatapathplugins_la_SOURCES)) \
	$(filter %.c,$(lib_libxskfeatures_la_SOURCES))

# In place of libFuzzer.
FUZZ_DRIVER = $(top_srcdir)/tests/fuzz/fuzz-driver.c

# Some of what Open vSwitch does is undefined by the letter of C.
FUZZ_SANITIZE = -fsanitize=address,undefined \
	-fno-sanitize=alignment -fno-sanitize-recover=undefined
FUZZ_FLAGS = $(AM_CPPFLAGS) $(DEFS) $(DEFAULT_INCLUDES) $(OVS_CFLAGS) \
	$(OVS_WARNINGS) -w -std=gnu11 -g -O1 -fno-omit-frame-pointer
FUZZ_CLANG = $(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $(FUZZ_SANITIZE) \
	-fno-sanitize=function
FUZZ_CC = $(CC) $(FUZZ_FLAGS) $(FUZZ_SANITIZE)
FUZZ_LIBS = \
	$(WRAP_FLAGS) \
	$(ovs_builddir)/ofproto/.libs/libofproto.a \
	$(ovs_builddir)/lib/.libs/libsflow.a \
	$(ovs_builddir)/lib/.libs/libopenvswitch.a \
	$(OVS_LIBS) $(LIBXDP_LIBS) $(LIBBPF_LIBS) \
	`sed -n '/^dependency_libs/p' \
	  $(ovs_builddir)/lib/libopenvswitch.la | grep -o -e '-l[a-z0-9_-]*'`
FUZZ_VHOST_INPUTS = \
	$(addprefix $(top_srcdir)/,$(FUZZ_VHOST_C)) \
	$(addprefix $(ovs_srcdir)/lib/,flow.c dp-packet.c dp-packet-gso.c \
	  packets.c csum.c netdev.c)

tests/fuzz/fuzz-vhost: $(FUZZ_VHOST_C) tests/fuzz/fuzz-input.h \
		tests/fuzz/fuzz-vhost.h lib/xsk/redirect.skel.h
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(FUZZ_CLANG) -o $@ $(FUZZ_VHOST_INPUTS) $(FUZZ_LIBS) || \
	$(FUZZ_CC) -o $@ $(FUZZ_DRIVER) $(FUZZ_VHOST_INPUTS) $(FUZZ_LIBS)

# Of packets, and of options.
FUZZ_PACKET_C = \
	tests/fuzz/fuzz-packet.c \
	tests/tools/packet.c \
	tests/tools/pkt-corpus-csum.c \
	lib/partial-csum.c \
	lib/port-options.c
FUZZ_PACKET_INPUTS = \
	$(addprefix $(top_srcdir)/,$(FUZZ_PACKET_C)) \
	$(addprefix $(ovs_srcdir)/lib/,flow.c dp-packet.c packets.c csum.c)
FUZZ_PACKET_LIBS = $(filter-out $(WRAP_FLAGS),$(FUZZ_LIBS))

tests/fuzz/fuzz-packet: $(FUZZ_PACKET_C) tests/tools/pkt-corpus.h
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(FUZZ_CLANG) -o $@ $(FUZZ_PACKET_INPUTS) \
	  $(FUZZ_PACKET_LIBS) || \
	$(FUZZ_CC) -o $@ $(FUZZ_DRIVER) $(FUZZ_PACKET_INPUTS) $(FUZZ_PACKET_LIBS)

# Of what a guest says.
FUZZ_MESSAGES_C = \
	tests/fuzz/fuzz-messages.c \
	lib/vhost/messages.c
FUZZ_MESSAGES_INPUTS = $(addprefix $(top_srcdir)/,$(FUZZ_MESSAGES_C))
# The driver in place of libFuzzer takes random numbers from there.
FUZZ_MESSAGES_DRIVER = $(FUZZ_DRIVER) $(top_srcdir)/tests/tools/packet.c

tests/fuzz/fuzz-messages: $(FUZZ_MESSAGES_C)
	$(AM_V_CC)$(MKDIR_P) $(@D) && \
	$(FUZZ_CLANG) -o $@ $(FUZZ_MESSAGES_INPUTS) \
	  $(FUZZ_PACKET_LIBS) || \
	$(FUZZ_CC) -o $@ $(FUZZ_MESSAGES_DRIVER) $(FUZZ_MESSAGES_INPUTS) \
	  $(FUZZ_PACKET_LIBS)

check-fuzz: tests/fuzz/fuzz-vhost
	$(MKDIR_P) tests/fuzz/corpus/vhost
	cd tests/fuzz && ./fuzz-vhost -max_total_time=$(FUZZ_TIME) \
	  corpus/vhost $(abs_top_srcdir)/tests/fuzz/corpus/vhost

check-fuzz-packet: tests/fuzz/fuzz-packet tests/tools/pkt-corpus
	$(MKDIR_P) tests/fuzz/corpus/packet tests/fuzz/corpus/seeds
	tests/tools/pkt-corpus seeds tests/fuzz/corpus/seeds
	cd tests/fuzz && ./fuzz-packet -max_total_time=$(FUZZ_TIME) \
	  corpus/packet corpus/seeds

check-fuzz-messages: tests/fuzz/fuzz-messages
	$(MKDIR_P) tests/fuzz/corpus/messages
	cd tests/fuzz && ./fuzz-messages -max_total_time=$(FUZZ_TIME) \
	  corpus/messages $(abs_top_srcdir)/tests/fuzz/corpus/messages

CLEANFILES += \
	tests/fuzz/fuzz-messages \
	tests/fuzz/fuzz-packet \
	tests/fuzz/fuzz-vhost
EXTRA_DIST += \
	tests/fuzz/fuzz-driver.c \
	tests/fuzz/fuzz-messages.c \
	tests/fuzz/fuzz-packet.c \
	tests/fuzz/fuzz-input.h \
	tests/fuzz/fuzz-vhost.c \
	tests/fuzz/fuzz-vhost.h \
	tests/fuzz/fuzz-vhost-ops.c \
	tests/fuzz/corpus

.PHONY: check-fuzz check-fuzz-messages check-fuzz-packet
