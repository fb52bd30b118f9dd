# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# All our C, read by compilers and checkers instead of run:
#
#   make check-static
#   make check-static STATIC_TOOLS='gcc clang'
#
# See tests/static/static.  The headers of others are not ours to check.

STATIC_TOOLS = gcc clang cppcheck clang-tidy

STATIC_OVS_DIRS = \
	$(ovs_builddir) \
	$(ovs_srcdir) \
	$(ovs_srcdir)/include \
	$(ovs_builddir)/include \
	$(ovs_srcdir)/lib \
	$(ovs_builddir)/lib
STATIC_OUR_FLAGS = \
	$(DEFS) -DALLOW_EXPERIMENTAL_API \
	-I$(top_srcdir) -I$(top_srcdir)/lib -I$(top_srcdir)/datapath-plugins \
	-I$(top_srcdir)/utilities -I$(top_srcdir)/tests/tools
STATIC_FLAGS = \
	$(STATIC_OUR_FLAGS) \
	-isystem . -isystem lib -isystem utilities \
	$(STATIC_OVS_DIRS:%=-isystem %) \
	$(patsubst -I%,-isystem%,$(OVS_CFLAGS)) \
	$(LIBBPF_CFLAGS) $(LIBXDP_CFLAGS) $(YAML_CFLAGS) \
	-std=gnu11 -mssse3 -fno-strict-aliasing
STATIC_WARNINGS = $(OVS_WARNINGS)
STATIC_CPPCHECK = \
	$(STATIC_OUR_FLAGS) $(STATIC_OVS_DIRS:%=-I%) \
	-D__GNUC__=12 -D__linux__ -D__x86_64__ \
	'-DLIBBPF_OPTS(TYPE,NAME,...)=struct TYPE NAME = { __VA_ARGS__ }' \
	'--suppress=*:$(ovs_srcdir)/*' '--suppress=*:$(ovs_builddir)/*'


# Quoted for the shell, which the script lets split them.
export CLANG STATIC_FLAGS STATIC_WARNINGS STATIC_CPPCHECK

check-static: $(BUILT_SOURCES)
	@CC='$(CC)' $(SHELL) $(top_srcdir)/tests/static/static $(STATIC_TOOLS)

EXTRA_DIST += \
	.clang-tidy \
	tests/static/static \
	tests/static/static-known

.PHONY: check-static
