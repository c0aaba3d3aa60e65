dnl SPDX-License-Identifier: MIT
dnl PREFORKD_DIR_FROM_PKG(NAME, VARIABLE, WHAT)
dnl The directory for WHAT: --with-NAME=DIR, or what systemd.pc says, or "no": do not install it.
AC_DEFUN([PREFORKD_DIR_FROM_PKG], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=DIR], [where $3 go; no: nowhere @<:@as pkg-config says@:>@])],
    [], [with_$1=yes])
  AC_MSG_CHECKING([where $3 go])
  AS_CASE([$with_$1],
    [yes], [$1=
      AS_IF([test -n "$PKG_CONFIG"],
        [$1=`$PKG_CONFIG --variable=$2 systemd 2>/dev/null`])
      AS_IF([test -z "$$1"], [$1=no])],
    [$1=$with_$1])
  AC_MSG_RESULT([$$1])
  AC_SUBST([$1])
  AM_CONDITIONAL([INSTALL_]m4_toupper([$1]), [test "$$1" != no])
])
