# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# Two Autotest suites:
#
#   tests/testsuite               needs nothing              make check
#   tests/system-afxdp-testsuite  needs root and namespaces  make check-system
#
# "./quickstart check" runs both, the second in namespaces of its own.  OVS's
# macros are used from OVS's own tests: m4_include([tests/ovs-macros.at]).
# Their files are listed in suites.mk; the benchmark is in bench.mk.

TESTSUITE_AT = \
	tests/testsuite.at
SYSTEM_AFXDP_TESTSUITE_AT = \
	tests/system-afxdp-testsuite.at

include tests/suites.mk
include tests/bench.mk

EXTRA_DIST += \
	$(TESTSUITE_AT) \
	$(SYSTEM_AFXDP_TESTSUITE_AT)

# Our own files are found before OVS's of the same name.
AUTOTEST = $(AUTOM4TE) --language=autotest -I tests -I $(top_srcdir) \
	-I $(top_srcdir)/tests -I $(ovs_srcdir) -I $(ovs_srcdir)/tests

# Where the tests find programs: ours, then OVS's.
AUTOTEST_PATH = datapath-plugins:tests:$(OVS_PATH):$(ovs_builddir)/tests
OVS_PATH = $(ovs_builddir)/utilities:$(ovs_builddir)/ovsdb

CLEANFILES += \
	tests/package.m4 \
	tests/testsuite \
	tests/testsuite.log \
	tests/system-afxdp-testsuite \
	tests/system-afxdp-testsuite.log
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
	$(AM_V_GEN)$(AUTOTEST) -o $@ $(top_srcdir)/tests/system-afxdp-testsuite.at

check-local: $(check_PROGRAMS) tests/testsuite tests/atlocal
	$(SHELL) tests/testsuite -C tests AUTOTEST_PATH='$(AUTOTEST_PATH)' \
	  $(TESTSUITEFLAGS)

# One at a time: they share the machine's two or more cores with PMD threads.
check-system: all $(check_PROGRAMS) tests/system-afxdp-testsuite tests/atlocal
	$(SHELL) tests/system-afxdp-testsuite -C tests \
	  AUTOTEST_PATH='$(AUTOTEST_PATH)' $(TESTSUITEFLAGS) -j1

clean-local:
	-test ! -f tests/testsuite || $(SHELL) tests/testsuite -C tests --clean
	-test ! -f tests/system-afxdp-testsuite || \
	  $(SHELL) tests/system-afxdp-testsuite -C tests --clean

.PHONY: check-system
