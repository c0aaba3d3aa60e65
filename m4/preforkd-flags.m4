dnl SPDX-License-Identifier: MIT
dnl Compiler and linker flags. Each is tried before it is used, with warnings as errors, since a
dnl compiler may take an unknown flag with no more than a warning.

dnl PREFORKD_TRY_CFLAG(VARIABLE, FLAG, [IF-TAKEN], [PROLOGUE], [BODY]): appends FLAG if a program,
dnl an empty one unless it is given, compiles with it.
AC_DEFUN([PREFORKD_TRY_CFLAG], [
  AS_VAR_PUSHDEF([cache], [preforkd_cv_cflag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    preforkd_save_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([$4], [$5])], [AS_VAR_SET([cache], [yes])],
      [AS_VAR_SET([cache], [no])])
    CFLAGS=$preforkd_save_CFLAGS])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"
    $3])
  AS_VAR_POPDEF([cache])
])

dnl PREFORKD_TRY_LDFLAG(VARIABLE, FLAG, [IF-TAKEN]): the same for linking.
AC_DEFUN([PREFORKD_TRY_LDFLAG], [
  AS_VAR_PUSHDEF([cache], [preforkd_cv_ldflag_$2])
  AC_CACHE_CHECK([whether $CC links with $2], [cache], [
    preforkd_save_CFLAGS=$CFLAGS
    preforkd_save_LDFLAGS=$LDFLAGS
    CFLAGS="$CFLAGS -Werror"
    LDFLAGS="$LDFLAGS $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([cache], [yes])],
      [AS_VAR_SET([cache], [no])])
    CFLAGS=$preforkd_save_CFLAGS
    LDFLAGS=$preforkd_save_LDFLAGS])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"
    $3])
  AS_VAR_POPDEF([cache])
])

AC_DEFUN([PREFORKD_WARNINGS], [
  AC_ARG_ENABLE([werror],
    [AS_HELP_STRING([--enable-werror], [compiler warnings are errors (for developers)])],
    [], [enable_werror=no])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wall])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wextra])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wshadow])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wmissing-prototypes])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wstrict-prototypes])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wold-style-definition])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wformat=2])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wpointer-arith])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wundef])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wwrite-strings])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wvla])
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Walloca])
  dnl clang sees the fall-through inside the macros of uthash, and blames whoever uses them.
  PREFORKD_TRY_CFLAG([WARN_CFLAGS], [-Wimplicit-fallthrough], [],
    [[#include <stddef.h>
      #include <uthash.h>
      struct item { int key; UT_hash_handle hh; };]],
    [[struct item *head = NULL, item = { 0 };
      HASH_ADD_INT(head, key, &item);]])
  AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

dnl Hardening: on unless refused. FORTIFY needs optimisation, and hides from a sanitizer what it
dnl should see; a value that the user or the packager gave stays.
AC_DEFUN([PREFORKD_ARG_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening], [leave out the compiler's and linker's defences])],
    [], [enable_hardening=yes])
  hardening_summary=' no'
  AS_IF([test "$enable_hardening" = yes], [
    hardening_summary=
    PREFORKD_TRY_CFLAG([HARDEN_CFLAGS], [-fPIE],
      [PREFORKD_TRY_LDFLAG([HARDEN_LDFLAGS], [-pie],
        [hardening_summary="$hardening_summary pie"])])
    PREFORKD_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-protector-strong],
      [hardening_summary="$hardening_summary stack-protector"])
    PREFORKD_TRY_CFLAG([HARDEN_CFLAGS], [-fstack-clash-protection],
      [hardening_summary="$hardening_summary stack-clash"])
    PREFORKD_TRY_CFLAG([HARDEN_CFLAGS], [-fcf-protection],
      [hardening_summary="$hardening_summary cf-protection"])
    PREFORKD_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,relro],
      [PREFORKD_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,now],
        [hardening_summary="$hardening_summary relro"])])
    PREFORKD_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,-z,noexecstack],
      [hardening_summary="$hardening_summary noexecstack"])
    PREFORKD_TRY_LDFLAG([HARDEN_LDFLAGS], [-Wl,--as-needed])
    PREFORKD_FORTIFY
  ])
  AC_SUBST([HARDEN_CPPFLAGS])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
])

AC_DEFUN([PREFORKD_FORTIFY], [
  AC_CACHE_CHECK([for the highest _FORTIFY_SOURCE], [preforkd_cv_fortify], [
    preforkd_cv_fortify=none
    AS_CASE([" $CPPFLAGS $CFLAGS "],
      [*_FORTIFY_SOURCE*], [preforkd_cv_fortify=given],
      [AS_IF([test -z "$sanitizers"], [
        preforkd_save_CFLAGS=$CFLAGS
        for preforkd_level in 3 2; do
          CFLAGS="$preforkd_save_CFLAGS -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$preforkd_level"
          AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
            #include <string.h>
            #ifndef __OPTIMIZE__
            #error without optimisation it does nothing
            #endif]], [])], [preforkd_cv_fortify=$preforkd_level; break])
        done
        CFLAGS=$preforkd_save_CFLAGS])])])
  AS_CASE([$preforkd_cv_fortify],
    [2|3], [HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$preforkd_cv_fortify"
      hardening_summary="$hardening_summary fortify=$preforkd_cv_fortify"],
    [given], [hardening_summary="$hardening_summary fortify=given"])
])

dnl --enable-sanitizers[=LIST]; a finding ends the program, so that a test sees it.
AC_DEFUN([PREFORKD_ARG_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers],
    [AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
      [build with sanitizers @<:@address,undefined@:>@])],
    [], [enable_sanitizers=no])
  AS_CASE([$enable_sanitizers],
    [yes], [sanitizers=address,undefined],
    [no], [sanitizers=],
    [sanitizers=$enable_sanitizers])
  AS_IF([test -n "$sanitizers"], [
    PREFORKD_SANITIZE([-fsanitize=$sanitizers])
    PREFORKD_TRY_CFLAG([SANITIZE_CFLAGS], [-fno-sanitize-recover=all])
    PREFORKD_TRY_CFLAG([SANITIZE_CFLAGS], [-fno-omit-frame-pointer])])
  AC_SUBST([SANITIZE_CFLAGS])
])

dnl PREFORKD_SANITIZE(FLAG): asked for by name, so not to have it is an error.
AC_DEFUN([PREFORKD_SANITIZE], [
  AC_MSG_CHECKING([whether $CC builds programs with $1])
  preforkd_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([$CC cannot build with $1 (Debian package for clang: libclang-rt-dev)])])
  CFLAGS=$preforkd_save_CFLAGS
  SANITIZE_CFLAGS="$SANITIZE_CFLAGS $1"
])

dnl --enable-fuzzer: real libFuzzer programs in place of the corpus replays; clang only.
AC_DEFUN([PREFORKD_ARG_FUZZER], [
  AC_ARG_ENABLE([fuzzer],
    [AS_HELP_STRING([--enable-fuzzer], [build libFuzzer programs (needs clang)])],
    [], [enable_fuzzer=no])
  FUZZ_ENGINE=tests/fuzz/libreplay.a
  AS_IF([test "$enable_fuzzer" = yes], [
    AS_IF([test -z "$sanitizers"], [
      sanitizers=address,undefined
      PREFORKD_SANITIZE([-fsanitize=address,undefined])])
    PREFORKD_SANITIZE([-fsanitize=fuzzer-no-link])
    FUZZ_ENGINE=-fsanitize=fuzzer])
  AM_CONDITIONAL([ENABLE_FUZZER], [test "$enable_fuzzer" = yes])
  AC_SUBST([FUZZ_ENGINE])
])

AC_DEFUN([PREFORKD_ARG_COVERAGE], [
  AC_ARG_ENABLE([coverage],
    [AS_HELP_STRING([--enable-coverage], [measure what tests reach (make coverage)])],
    [], [enable_coverage=no])
  AS_IF([test "$enable_coverage" = yes], [
    PREFORKD_TRY_CFLAG([COVERAGE_CFLAGS], [--coverage], [:])
    AS_IF([test -z "$COVERAGE_CFLAGS"], [AC_MSG_ERROR([$CC does not take --coverage])])
    PREFORKD_TRY_CFLAG([COVERAGE_CFLAGS], [-fprofile-update=atomic])])
  AC_SUBST([COVERAGE_CFLAGS])
  AM_CONDITIONAL([ENABLE_COVERAGE], [test "$enable_coverage" = yes])
])
