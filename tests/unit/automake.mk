# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Unit tests: of checksums, with random packets; of guests' memory, and how
# guests are notified; of frames; of the XDP program; and of what ovs-fig7a
# makes of the CPUs of a machine.

check_PROGRAMS += tests/unit/test-plugins
tests_unit_test_plugins_SOURCES = \
	tests/tools/packet.c \
	tests/tools/packet.h \
	tests/unit/test-plugins.c
tests_unit_test_plugins_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_plugins_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

check_PROGRAMS += tests/unit/test-memory
tests_unit_test_memory_SOURCES = tests/unit/test-memory.c
tests_unit_test_memory_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_memory_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

check_PROGRAMS += tests/unit/test-cpus
tests_unit_test_cpus_SOURCES = \
	tests/unit/test-cpus.c \
	utilities/fig7a/cpus.c \
	utilities/fig7a/cpus.h
tests_unit_test_cpus_LDADD = $(ovs_builddir)/lib/libopenvswitch.la
tests_unit_test_cpus_LDFLAGS = $(AM_LDFLAGS) -Wl,--as-needed

check_PROGRAMS += tests/unit/test-frame-pool
tests_unit_test_frame_pool_SOURCES = tests/unit/test-frame-pool.c
tests_unit_test_frame_pool_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_frame_pool_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

# As with a DPDK whose inside is not known.
check_PROGRAMS += tests/unit/test-frame-pool-public
tests_unit_test_frame_pool_public_SOURCES = tests/unit/test-frame-pool.c
tests_unit_test_frame_pool_public_CPPFLAGS = \
	$(AM_CPPFLAGS) -DFRAME_POOL_NO_CACHE
tests_unit_test_frame_pool_public_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_frame_pool_public_LDFLAGS = \
	$(datapath_plugins_ovs_vswitchd_LDFLAGS)

check_PROGRAMS += tests/unit/test-xsk-program
tests_unit_test_xsk_program_SOURCES = tests/unit/test-xsk-program.c
tests_unit_test_xsk_program_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_xsk_program_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)

check_PROGRAMS += tests/unit/test-notify
tests_unit_test_notify_SOURCES = \
	$(REPLACED_FUNCTIONS) \
	tests/unit/test-notify.c
tests_unit_test_notify_LDADD = $(OVS_AND_OUR_LIBS)
tests_unit_test_notify_LDFLAGS = $(datapath_plugins_ovs_vswitchd_LDFLAGS)
