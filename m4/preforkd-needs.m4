dnl SPDX-License-Identifier: MIT
dnl What the build cannot do without. Each lack is noted with the Debian package that cures it;
dnl PREFORKD_NEEDS_REPORT names them all at once, so that nobody has to run configure five times.

dnl PREFORKD_NEEDS_ADD(WHAT, PACKAGE): notes that WHAT is missing.
AC_DEFUN([PREFORKD_NEEDS_ADD], [
  preforkd_missing="$preforkd_missing
    $1  (Debian package: $2)"
  preforkd_missing_packages="$preforkd_missing_packages $2"
])

dnl PREFORKD_NEEDS_PKG(PREFIX, MODULE, PACKAGE): sets PREFIX_CFLAGS and PREFIX_LIBS.
AC_DEFUN([PREFORKD_NEEDS_PKG],
  [PKG_CHECK_MODULES([$1], [$2], [:], [PREFORKD_NEEDS_ADD([$2], [$3])])])

dnl PREFORKD_NEEDS_HEADER(HEADER, PACKAGE): for libraries that are headers alone.
AC_DEFUN([PREFORKD_NEEDS_HEADER],
  [AC_CHECK_HEADER([$1], [:], [PREFORKD_NEEDS_ADD([$1], [$2])])])

AC_DEFUN([PREFORKD_NEEDS_REPORT], [
  AS_IF([test -n "$preforkd_missing"], [AC_MSG_ERROR([this is missing:
$preforkd_missing

  On Debian:  apt-get install$preforkd_missing_packages])])
])
