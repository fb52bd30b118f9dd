# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The program ovs-fig7a.

sbin_PROGRAMS += utilities/fig7a/ovs-fig7a
utilities_fig7a_ovs_fig7a_SOURCES = \
	utilities/fig7a/check-nic.c \
	utilities/fig7a/check-nic.h \
	utilities/fig7a/check.c \
	utilities/fig7a/check.h \
	utilities/fig7a/cpus.c \
	utilities/fig7a/cpus.h \
	utilities/fig7a/exec.c \
	utilities/fig7a/exec.h \
	utilities/fig7a/generator.c \
	utilities/fig7a/generator.h \
	utilities/fig7a/host.c \
	utilities/fig7a/host.h \
	utilities/fig7a/measure.c \
	utilities/fig7a/measure.h \
	utilities/fig7a/median.c \
	utilities/fig7a/median.h \
	utilities/fig7a/output.c \
	utilities/fig7a/output.h \
	utilities/fig7a/pipeline.c \
	utilities/fig7a/pipeline.h \
	utilities/fig7a/plot.c \
	utilities/fig7a/profile.h \
	utilities/fig7a/results-json.c \
	utilities/fig7a/results-table.c \
	utilities/fig7a/results.c \
	utilities/fig7a/results.h \
	utilities/fig7a/run.c \
	utilities/fig7a/setup.c \
	utilities/fig7a/setup.h \
	utilities/fig7a/topology.c \
	utilities/fig7a/topology.h \
	utilities/fig7a/traffic-report.c \
	utilities/fig7a/traffic-vm.c \
	utilities/fig7a/traffic.c \
	utilities/fig7a/traffic.h \
	utilities/fig7a/trex-config.c \
	utilities/fig7a/trex-output.c \
	utilities/fig7a/trex.c \
	utilities/fig7a/trex.h \
	utilities/fig7a/up.c \
	utilities/fig7a/vhost-proxy.c \
	utilities/fig7a/vhost-proxy.h \
	utilities/fig7a/fig7a.h \
	utilities/fig7a/ovs-fig7a.c
utilities_fig7a_ovs_fig7a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS)

# Not the data path, and so none of the functions that we replace for it.  What
# is left of DPDK is what libopenvswitch itself asks for, as in OVS's own
# tools.
utilities_fig7a_ovs_fig7a_LDADD = \
	lib/libxskfeatures.la \
	$(ovs_builddir)/lib/libopenvswitch.la \
	$(LIBBPF_LIBS) $(YAML_LIBS)
utilities_fig7a_ovs_fig7a_LDFLAGS = $(AM_LDFLAGS) -Wl,--as-needed

# What "traffic" sends and counts with, in the kernel.
utilities/fig7a/generator.bpf.o: utilities/fig7a/generator.bpf.c
	$(AM_V_GEN)$(MKDIR_P) utilities/fig7a && \
	$(CLANG) -target bpf $(BPF_CFLAGS) -MMD -MP -MF $@.d \
	  -c $(top_srcdir)/utilities/fig7a/generator.bpf.c -o $@
-include utilities/fig7a/generator.bpf.o.d

utilities/fig7a/generator.skel.h: utilities/fig7a/generator.bpf.o
	$(AM_V_GEN)$(GEN_SKELETON) utilities/fig7a/generator.bpf.o \
	  name fig7a_generator_bpf; } > $@.tmp && mv $@.tmp $@
$(utilities_fig7a_ovs_fig7a_OBJECTS): utilities/fig7a/generator.skel.h

BUILT_SOURCES += utilities/fig7a/generator.skel.h
CLEANFILES += \
	utilities/fig7a/generator.bpf.o \
	utilities/fig7a/generator.bpf.o.d \
	utilities/fig7a/generator.skel.h
EXTRA_DIST += utilities/fig7a/generator.bpf.c
