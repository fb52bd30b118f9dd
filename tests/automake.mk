# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Autotest suites:
#
#   tests/testsuite               needs nothing
#   tests/system-afxdp-testsuite  needs root and namespaces
#   tests/system-vhost-testsuite  the same, and User Mode Linux for some tests
#   tests/system-fig7a-testsuite  likewise
#
# and those of ovs-traffic/automake.mk and package.mk.
#
# "make check" runs the first; "make check-system", "make check-system-vhost",
# "make check-system-fig7a" run the others.  "./quickstart check" makes
# "check-build", and has tests/run-suites run all.
#
# OVS's macros come from OVS's own tests: m4_include([tests/ovs-macros.at]).
# Each folder here has an automake.mk of its own.

TESTSUITE_AT = \
	tests/testsuite.at \
	tests/bench.at \
	tests/fig7a.at \
	tests/fig7a-trex.at \
	tests/fig7a-results.at \
	tests/documentation.at \
	tests/partial-csum.at \
	tests/pkt-corpus.at \
	tests/unit.at \
	tests/vswitchd.at
SYSTEM_AFXDP_TESTSUITE_AT = \
	tests/system-afxdp-testsuite.at \
	tests/wait-macros.at \
	tests/switch-macros.at \
	tests/afxdp-traffic.at \
	tests/afxdp-csum.at \
	tests/afxdp-mtu.at \
	tests/afxdp-lifecycle.at \
	tests/afxdp-errors.at \
	tests/afxdp-memory.at \
	tests/failures-macros.at \
	tests/failures-afxdp.at
SYSTEM_VHOST_TESTSUITE_AT = \
	tests/system-vhost-testsuite.at \
	tests/wait-macros.at \
	tests/switch-macros.at \
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
SYSTEM_FIG7A_TESTSUITE_AT = \
	tests/system-fig7a-testsuite.at \
	tests/wait-macros.at \
	tests/switch-macros.at \
	tests/fig7a-pipeline.at \
	tests/fig7a-up.at \
	tests/fig7a-run.at \
	tests/fig7a-traffic.at

include tests/bench/automake.mk
include tests/coverage.mk
include tests/fault/automake.mk
include tests/fuzz/automake.mk
include tests/ovs-traffic/automake.mk
include tests/package.mk
include tests/sanitize/automake.mk
include tests/static/automake.mk
include tests/tools/automake.mk
include tests/unit/automake.mk

EXTRA_DIST += \
	tests/README.rst \
	tests/run-suites \
	$(TESTSUITE_AT) \
	$(SYSTEM_AFXDP_TESTSUITE_AT) \
	$(SYSTEM_VHOST_TESTSUITE_AT) \
	$(SYSTEM_FIG7A_TESTSUITE_AT)

# Our own files are found before OVS's of the same name.
AUTOTEST = $(AUTOM4TE) --language=autotest -I tests -I $(top_srcdir) \
	-I $(top_srcdir)/tests -I $(ovs_srcdir) -I $(ovs_srcdir)/tests

# Where the tests find programs: ours, then OVS's.
AUTOTEST_PATH = $(OUR_PATH):$(OVS_PATH)
OUR_PATH = datapath-plugins:utilities/fig7a:tests/tools:tests/unit
OVS_PATH = \
	$(ovs_builddir)/utilities:$(ovs_builddir)/ovsdb:$(ovs_builddir)/tests

CLEANFILES += \
	tests/package.m4 \
	tests/testsuite \
	tests/testsuite.log \
	tests/system-afxdp-testsuite \
	tests/system-afxdp-testsuite.log \
	tests/system-vhost-testsuite \
	tests/system-vhost-testsuite.log \
	tests/system-fig7a-testsuite \
	tests/system-fig7a-testsuite.log \
	tests/vhost-csum-false.txt \
	tests/vhost-csum-true.txt
DISTCLEANFILES = tests/atconfig

tests/package.m4: $(top_srcdir)/configure.ac
	$(AM_V_GEN)$(MKDIR_P) tests && { \
	  echo 'm4_define([AT_PACKAGE_NAME], [$(PACKAGE_NAME)])' && \
	  echo 'm4_define([AT_PACKAGE_TARNAME], [$(PACKAGE_TARNAME)])' && \
	  echo 'm4_define([AT_PACKAGE_VERSION], [$(PACKAGE_VERSION)])' && \
	  echo 'm4_define([AT_PACKAGE_STRING], [$(PACKAGE_STRING)])' && \
	  echo 'm4_define([AT_PACKAGE_URL], [])' && \
	  echo 'm4_define([AT_PACKAGE_BUGREPORT], [])'; } > $@

tests/testsuite: $(TESTSUITE_AT) tests/package.m4
	$(AM_V_GEN)$(AUTOTEST) -o $@ $(top_srcdir)/tests/testsuite.at

tests/system-afxdp-testsuite: $(SYSTEM_AFXDP_TESTSUITE_AT) tests/package.m4
	$(AM_V_GEN)$(AUTOTEST) -o $@ \
	  $(top_srcdir)/tests/system-afxdp-testsuite.at

tests/system-vhost-testsuite: $(SYSTEM_VHOST_TESTSUITE_AT) tests/package.m4
	$(AM_V_GEN)$(AUTOTEST) -o $@ \
	  $(top_srcdir)/tests/system-vhost-testsuite.at

tests/system-fig7a-testsuite: $(SYSTEM_FIG7A_TESTSUITE_AT) tests/package.m4
	$(AM_V_GEN)$(AUTOTEST) -o $@ \
	  $(top_srcdir)/tests/system-fig7a-testsuite.at

# All that tests/run-suites needs.
check-build: all $(check_PROGRAMS) tests/atlocal \
		tests/testsuite \
		tests/system-afxdp-testsuite \
		tests/system-vhost-testsuite \
		tests/system-fig7a-testsuite \
		tests/system-package-testsuite \
		$(OVS_TRAFFIC_SUITES) \
		tests/fuzz/fuzz-messages \
		tests/fuzz/fuzz-packet \
		tests/fuzz/fuzz-vhost

check-local: $(check_PROGRAMS) tests/testsuite tests/atlocal
	$(SHELL) tests/testsuite -C tests AUTOTEST_PATH='$(AUTOTEST_PATH)' \
	  $(TESTSUITEFLAGS)

# One at a time: they share the machine's two or more cores with PMD threads.
check-system: all $(check_PROGRAMS) tests/system-afxdp-testsuite tests/atlocal
	$(SHELL) tests/system-afxdp-testsuite -C tests \
	  AUTOTEST_PATH='$(AUTOTEST_PATH)' $(TESTSUITEFLAGS) -j1

check-system-vhost: all $(check_PROGRAMS) tests/system-vhost-testsuite \
		tests/atlocal tests/fuzz/fuzz-messages tests/fuzz/fuzz-packet \
		tests/fuzz/fuzz-vhost
	$(SHELL) tests/system-vhost-testsuite -C tests \
	  AUTOTEST_PATH='$(AUTOTEST_PATH)' $(TESTSUITEFLAGS) -j1

check-system-fig7a: all $(check_PROGRAMS) tests/system-fig7a-testsuite \
		tests/atlocal
	$(SHELL) tests/system-fig7a-testsuite -C tests \
	  AUTOTEST_PATH='$(AUTOTEST_PATH)' $(TESTSUITEFLAGS) -j1

clean-local:
	-test ! -f tests/testsuite || $(SHELL) tests/testsuite -C tests --clean
	-test ! -f tests/system-afxdp-testsuite || \
	  $(SHELL) tests/system-afxdp-testsuite -C tests --clean
	-test ! -f tests/system-vhost-testsuite || \
	  $(SHELL) tests/system-vhost-testsuite -C tests --clean
	-test ! -f tests/system-fig7a-testsuite || \
	  $(SHELL) tests/system-fig7a-testsuite -C tests --clean
	-test ! -f tests/system-package-testsuite || \
	  $(SHELL) tests/system-package-testsuite -C tests --clean

.PHONY: check-build check-system check-system-vhost check-system-fig7a
