# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
#
# What configure.ac asks of the machine and of the OVS tree.

# DP_OVS_VAR(VARIABLE, NAME)
# --------------------------
# Sets and substitutes VARIABLE to what the OVS build's Makefile assigns to
# NAME.  Only for what configure has put there, which is always one line.
AC_DEFUN([DP_OVS_VAR],
  [$1=`sed -n 's/^$2 = *//p' "$ovs_builddir/Makefile"`
   AC_SUBST([$1])])

# DP_CHECK_OVS(VERSION)
# ---------------------
# Finds the source and the finished build of OVS, at least VERSION, with DPDK
# and AF_XDP.  Substitutes ovs_srcdir, ovs_builddir, OVS_VERSION and the flags
# that OVS itself is compiled with: its structures depend on them.
AC_DEFUN([DP_CHECK_OVS],
  [AC_ARG_WITH([ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR],
                     [source tree of Open vSwitch $1 or later (required)])])
   AC_ARG_WITH([ovs-build],
     [AS_HELP_STRING([--with-ovs-build=DIR],
                     [where that source was built @<:@the source tree@:>@])])
   AS_CASE(["$with_ovs_source"],
     [''|yes|no], [AC_MSG_ERROR(m4_normalize([
        --with-ovs-source=DIR is required: the source tree of Open vSwitch
        (or let ./quickstart fetch and build it)]))])
   AS_CASE(["$with_ovs_build"],
     [''|yes|no], [with_ovs_build=$with_ovs_source])

   AC_MSG_CHECKING([for the OVS source])
   AS_IF([test ! -f "$with_ovs_source/vswitchd/bridge.c"],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR(m4_normalize([
        $with_ovs_source is not an OVS source tree: it has no
        vswitchd/bridge.c]))])
   ovs_srcdir=`cd "$with_ovs_source" && pwd`
   AC_SUBST([ovs_srcdir])
   AC_MSG_RESULT([$ovs_srcdir])

   AC_MSG_CHECKING([for the OVS build])
   AS_IF([test ! -f "$with_ovs_build/config.h"],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR(m4_normalize([
        $with_ovs_build has no config.h: configure and make OVS there
        (--with-dpdk=shared --enable-afxdp), or name the right folder
        with --with-ovs-build=DIR]))])
   ovs_builddir=`cd "$with_ovs_build" && pwd`
   AC_SUBST([ovs_builddir])
   AC_MSG_RESULT([$ovs_builddir])

   AC_MSG_CHECKING([for the OVS version])
   OVS_VERSION=`sed -n \
     's/^@%:@define PACKAGE_VERSION "\(.*\)"/\1/p' "$ovs_builddir/config.h"`
   AC_SUBST([OVS_VERSION])
   OVS_VERSION_NUM=`echo "$OVS_VERSION" | \
     awk -F. '{ print @S|@1 * 100 + @S|@2 }'`
   AC_SUBST([OVS_VERSION_NUM])
   AC_MSG_RESULT([$OVS_VERSION])
   AS_VERSION_COMPARE([$OVS_VERSION], [$1],
     [AC_MSG_ERROR([found OVS $OVS_VERSION, but $1 or later is needed])])

   for dp_feature in DPDK_NETDEV:--with-dpdk HAVE_AF_XDP:--enable-afxdp; do
     dp_macro=${dp_feature%:*}
     AC_MSG_CHECKING([whether OVS was configured ${dp_feature@%:@*:}])
     AS_IF([grep -q "^@%:@define $dp_macro 1" "$ovs_builddir/config.h"],
       [AC_MSG_RESULT([yes])],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR(m4_normalize([
          the OVS in $ovs_builddir lacks $dp_macro: configure it again with
          --with-dpdk=shared --enable-afxdp]))])
   done

   AC_MSG_CHECKING([whether OVS was made])
   for dp_object in vswitchd/bridge.o vswitchd/ovs-vswitchd.o \
       vswitchd/system-stats.o ofproto/libofproto.la lib/libsflow.la \
       lib/libopenvswitch.la; do
     AS_IF([test ! -f "$ovs_builddir/$dp_object"],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR([$dp_object is missing: run make in $ovs_builddir])])
   done
   AC_MSG_RESULT([yes])

   DP_OVS_VAR([OVS_WARNINGS], [WARNING_FLAGS])
   DP_OVS_VAR([OVS_CFLAGS], [OVS_CFLAGS])
   DP_OVS_VAR([OVS_LDFLAGS], [OVS_LDFLAGS])
   DP_OVS_VAR([OVS_DPDK_LDFLAGS], [DPDK_vswitchd_LDFLAGS])
   DP_OVS_VAR([OVS_LIBS], [LIBS])

   # A static DPDK is named by its files, which would be linked twice.
   AC_MSG_CHECKING([whether OVS was configured with a shared DPDK])
   AS_CASE([" $OVS_LIBS $OVS_DPDK_LDFLAGS "],
     [*librte_*.a*],
     [AC_MSG_RESULT([no])
      AC_MSG_ERROR(m4_normalize([
        the OVS in $ovs_builddir is linked with static libraries of DPDK:
        configure it again with --with-dpdk=shared --enable-afxdp]))])
   AC_MSG_RESULT([yes])])

# DP_MISSING(WHAT, DEBIAN-PACKAGE)
# --------------------------------
# Notes that WHAT is missing; DP_REPORT_MISSING tells it, with all the others.
AC_DEFUN([DP_MISSING],
  [AS_VAR_APPEND([dp_missing], ["
  $1 (Debian package $2)"])
   AS_CASE([" $dp_packages "], [*" $2 "*], [],
     [AS_VAR_APPEND([dp_packages], [" $2"])])])

# DP_NEED_MODULE(VARIABLE, PKG-CONFIG-MODULE, DEBIAN-PACKAGE)
AC_DEFUN([DP_NEED_MODULE],
  [PKG_CHECK_MODULES([$1], [$2], [], [DP_MISSING([$2], [$3])])])

# DP_NEED_HEADER(HEADER, DEBIAN-PACKAGE, CFLAGS)
AC_DEFUN([DP_NEED_HEADER],
  [dp_save_CPPFLAGS=$CPPFLAGS
   CPPFLAGS="$CPPFLAGS $3"
   AC_CHECK_HEADER([$1], [], [DP_MISSING([$1], [$2])])
   CPPFLAGS=$dp_save_CPPFLAGS])

# DP_NEED_PROGRAM(VARIABLE, NAMES, DEBIAN-PACKAGE)
# ------------------------------------------------
# Sets VARIABLE to the path of the program, which has one of the NAMES.
AC_DEFUN([DP_NEED_PROGRAM],
  [AC_PATH_PROGS([$1], [$2], [no], [$PATH:/usr/sbin:/sbin])
   AS_IF([test "$$1" = no], [DP_MISSING([$2], [$3])])])

# DP_REPORT_MISSING
# -----------------
# Fails if anything was missing, saying how to get all of it.
AC_DEFUN([DP_REPORT_MISSING],
  [AS_IF([test -n "$dp_missing"],
     [AC_MSG_ERROR([missing:$dp_missing
Install with: apt-get install$dp_packages])])])

# DP_CHECK_DPDK_FUNC(LIBRARY, FUNCTION)
# -------------------------------------
# Adds -DHAVE_FUNCTION to DP_DEFS if DPDK's LIBRARY has FUNCTION.
AC_DEFUN([DP_CHECK_DPDK_FUNC],
  [dp_save_LIBS=$LIBS
   AC_CHECK_LIB([$1], [$2],
     [AS_VAR_APPEND([DP_DEFS], [" -DHAVE_]m4_toupper([$2])["])], [],
     [$DPDK_LIBS])
   LIBS=$dp_save_LIBS
   AC_SUBST([DP_DEFS])])

# DP_BPF_CFLAGS
# -------------
# Clang for the bpf target does not look into the architecture's own folder
# of headers, where Debian keeps asm/.
AC_DEFUN([DP_BPF_CFLAGS],
  [AC_MSG_CHECKING([for headers of the architecture])
   dp_arch_include=/usr/include/`$CC -print-multiarch 2>/dev/null`
   AC_MSG_RESULT([$dp_arch_include])
   BPF_CFLAGS="-O2 -g -Wall -Werror -idirafter $dp_arch_include"
   AC_SUBST([BPF_CFLAGS])])
