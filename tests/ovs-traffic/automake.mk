# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# OVS's own system tests, from its source tree, with ports of our types in
# place of its own:
#
#   make check-system-afxdp-polling
#   make check-system-afxdp-interrupt
#   make check-system-vhostuser
#
# and, to compare with, of the types of OVS:
#
#   make check-system-userspace         "system", as in OVS's make target
#   make check-system-afxdp-in-tree     "afxdp"
#
# They need root and namespaces of their own.  "tests/ovs-traffic/report" in
# the source tree then prints the results side by side.

OVS_TRAFFIC_SUITES = \
	tests/system-userspace \
	tests/system-afxdp-in-tree \
	tests/system-afxdp-polling \
	tests/system-afxdp-interrupt \
	tests/system-vhostuser
OVS_TRAFFIC_AT = \
	tests/ovs-traffic.at \
	tests/wait-macros.at \
	tests/ovs-traffic-macros.at

$(OVS_TRAFFIC_SUITES): $(OVS_TRAFFIC_AT) tests/ovs-traffic/automake.mk \
		tests/package.m4
	$(AM_V_GEN)echo 'm4_define([OVS_TRAFFIC_TYPE], [$(@F:system-%=%)])' \
	  > $@.m4 && \
	$(AUTOTEST) -o $@ $@.m4 $(top_srcdir)/tests/ovs-traffic.at

# The tests look for their helpers in "srcdir", which is OVS's.  The output is
# kept for tests/ovs-traffic/report.
$(OVS_TRAFFIC_SUITES:tests/%=check-%): check-%: all $(check_PROGRAMS) \
		tests/% tests/atlocal
	@{ PYTHONPATH=$(abs_top_srcdir)/tests/ovs-traffic \
	    $(SHELL) tests/$* -C tests AUTOTEST_PATH='$(AUTOTEST_PATH)' \
	    at_srcdir='$(ovs_srcdir)/tests' at_top_srcdir='$(ovs_srcdir)' \
	    $(TESTSUITEFLAGS) -j1; echo $$? > tests/$*.rc; } 2>&1 \
	  | tee tests/$*.out; \
	exit `cat tests/$*.rc`

# The guest at the other end of vhost-user ports, as a network device.
check_PROGRAMS += tests/tools/vhost-tap
tests_tools_vhost_tap_SOURCES = \
	tests/tools/tool.c \
	tests/tools/tool.h \
	$(vhost_frontend) \
	tests/tools/vhost-tap.c

CLEANFILES += \
	$(OVS_TRAFFIC_SUITES) \
	$(OVS_TRAFFIC_SUITES:=.m4) \
	$(OVS_TRAFFIC_SUITES:=.log) \
	$(OVS_TRAFFIC_SUITES:=.out) \
	$(OVS_TRAFFIC_SUITES:=.rc)
EXTRA_DIST += \
	$(OVS_TRAFFIC_AT) \
	tests/ovs-traffic/ovs-appctl \
	tests/ovs-traffic/ovs-vsctl \
	tests/ovs-traffic/tftpy.py \
	tests/ovs-traffic/expected \
	tests/ovs-traffic/part \
	tests/ovs-traffic/report

clean-local: clean-ovs-traffic
clean-ovs-traffic:
	-for suite in $(OVS_TRAFFIC_SUITES); do \
	  test ! -f $$suite || $(SHELL) $$suite -C tests --clean; \
	done

.PHONY: clean-ovs-traffic $(OVS_TRAFFIC_SUITES:tests/%=check-%)
