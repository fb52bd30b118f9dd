# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The netdev classes, and the ovs-vswitchd that has them.

lib_libdatapathplugins_la_SOURCES += \
	datapath-plugins/afxdp-class.c \
	datapath-plugins/afxdp-class.h \
	datapath-plugins/afxdp-options.c \
	datapath-plugins/afxdp-options.h \
	datapath-plugins/afxdp-port.c \
	datapath-plugins/afxdp-port.h \
	datapath-plugins/afxdp-sockets.c \
	datapath-plugins/afxdp-sockets.h \
	datapath-plugins/dp-plugins.c \
	datapath-plugins/port-error.c \
	datapath-plugins/port-error.h \
	datapath-plugins/version-check.c \
	datapath-plugins/version-check.h \
	datapath-plugins/vhost-class.c \
	datapath-plugins/vhost-class.h \
	datapath-plugins/vhost-options.c \
	datapath-plugins/vhost-options.h \
	datapath-plugins/vhost-port.c \
	datapath-plugins/vhost-port.h

# The functions of OVS that datapath-plugins/dp-plugins.c wraps.
WRAPPED = \
	netdev_run \
	netdev_wait \
	netdev_vport_patch_register \
	ofproto_vport_get_status \
	ovs_print_version

# The linker takes from an archive only what was asked for by then, and some of
# our functions are asked for by OVS's libraries, which come later: hence
# --undefined.
WRAP_FLAGS = \
	$(WRAPPED:%=-Wl,--wrap=%) \
	$(WRAPPED:%=-Wl,--undefined=__wrap_%) \
	-Wl,--undefined=rte_vhost_driver_set_max_queue_num

# What librte_vhost calls in the daemon instead of functions of libraries: not
# for just any program.
REPLACED_FUNCTIONS = datapath-plugins/replaced-functions.c

# OVS's daemon, from OVS's own objects.
sbin_PROGRAMS += datapath-plugins/ovs-vswitchd
datapath_plugins_ovs_vswitchd_SOURCES = $(REPLACED_FUNCTIONS)
datapath_plugins_ovs_vswitchd_LDADD = \
	$(ovs_builddir)/vswitchd/bridge.o \
	$(ovs_builddir)/vswitchd/ovs-vswitchd.o \
	$(ovs_builddir)/vswitchd/system-stats.o \
	$(OVS_AND_OUR_LIBS)
datapath_plugins_ovs_vswitchd_LDFLAGS = \
	$(AM_LDFLAGS) $(OVS_DPDK_LDFLAGS) $(WRAP_FLAGS)

# What any program of ours is linked with.
OVS_AND_OUR_LIBS = \
	lib/libdatapathplugins.la \
	$(ovs_builddir)/ofproto/libofproto.la \
	$(ovs_builddir)/lib/libsflow.la \
	$(ovs_builddir)/lib/libopenvswitch.la \
	$(OVS_LIBS)
