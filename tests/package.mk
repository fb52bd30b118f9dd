# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The Debian packages: where they are made from, and their test suite.  It
# needs root, and a network, once, to install a Debian 13 root.

SYSTEM_PACKAGE_TESTSUITE_AT = \
	tests/system-package-testsuite.at \
	tests/wait-macros.at \
	tests/package.at \
	tests/package-macros.at

tests/system-package-testsuite: $(SYSTEM_PACKAGE_TESTSUITE_AT) tests/package.m4
	$(AM_V_GEN)$(AUTOTEST) -o $@ \
	  $(top_srcdir)/tests/system-package-testsuite.at

# The packages are made in the build tree, and stay there.
check-system-package: all $(check_PROGRAMS) tests/system-package-testsuite \
		tests/atlocal
	$(SHELL) tests/system-package-testsuite -C tests \
	  AUTOTEST_PATH='$(AUTOTEST_PATH)' $(TESTSUITEFLAGS) -j1

CLEANFILES += \
	tests/system-package-testsuite \
	tests/system-package-testsuite.log
EXTRA_DIST += \
	$(SYSTEM_PACKAGE_TESTSUITE_AT) \
	$(DEBIAN_FILES) \
	utilities/debian-build \
	utilities/debian-root

DEBIAN_FILES = \
	debian/README.Debian \
	debian/changelog \
	debian/clean \
	debian/control \
	debian/copyright \
	debian/list-linked \
	debian/openvswitch-switch-datapath-plugins.install \
	debian/openvswitch-switch-datapath-plugins.postinst \
	debian/openvswitch-switch-datapath-plugins.postrm \
	debian/openvswitch-switch-datapath-plugins.prerm \
	debian/ovs-datapath-plugins-utils.install \
	debian/rules \
	debian/source/format \
	debian/source/options \
	debian/tests/control \
	debian/tests/traffic

.PHONY: check-system-package
