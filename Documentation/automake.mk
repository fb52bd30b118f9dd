# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# The manual pages are written in reStructuredText, to be read as it is, on the
# web, or with man: rst2man makes the pages in the build tree.

manual_pages = \
	Documentation/ovs-fig7a.8 \
	Documentation/ovs-datapath-plugins.7 \
	Documentation/ovs-datapath-plugins-vhost.7
man_MANS += $(manual_pages)
CLEANFILES += $(manual_pages)
EXTRA_DIST += $(manual_pages:=.rst) Documentation/internals.rst

$(manual_pages): %: %.rst
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	  $(RST2MAN) --halt=warning $< $@.tmp && mv $@.tmp $@
