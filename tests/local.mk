# SPDX-License-Identifier: MIT
# make check. Everything prints TAP; a test that cannot run here skips and says why.

include tests/unit/local.mk
include tests/system/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk

tree_tests = \
	%D%/check_docs.sh \
	%D%/check_format.sh \
	%D%/check_layers.py \
	%D%/check_install.sh

TESTS += $(tree_tests) $(system_tests)
check_PROGRAMS += $(fuzz_programs)
fuzz_libs = $(FUZZ_ENGINE) $(preforkd_libs)

if HAVE_CHECK
TESTS += $(unit_tests)
check_PROGRAMS += $(unit_tests)
AM_CFLAGS += $(CHECK_CFLAGS)
LDADD += $(CHECK_LIBS)
endif

EXTRA_DIST += \
	$(tree_tests) \
	%D%/fuzz/replay.sh \
	%D%/ci-may-skip \
	%D%/layers/circles.py \
	%D%/layers/made_up.py \
	%D%/layers/source.py \
	%D%/no-python \
	%D%/tap-unit \
	%D%/tap.sh

# The tests for the minute between two edits. Most of the time they wait: more of them run than there are processors,
# unless make was given -j. What is tried again and again for a while is tried for a shorter while.
check-unit:
	@case " $$MAKEFLAGS" in \
	*\ -j*|*jobserver*) jobs= ;; \
	*) jobs=-j$$((3 * $$(nproc))) ;; \
	esac; \
	PREFORKD_TEST_STRESS_MS=300 $(MAKE) $(AM_MAKEFLAGS) $$jobs check TESTS='$(unit_tests) $(tree_tests) tests/fuzz/replay.sh'

.PHONY: check-unit

TEST_EXTENSIONS = .py .sh
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
PY_LOG_DRIVER = $(tap_driver)
SH_LOG_DRIVER = $(tap_driver)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/tap-unit
SH_LOG_COMPILER = $(SHELL)
if HAVE_PYTHON3
PY_LOG_COMPILER = /usr/bin/env python3
else
PY_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/no-python
endif

AM_TESTS_ENVIRONMENT = \
	TOP_SRCDIR='$(abs_top_srcdir)'; export TOP_SRCDIR; \
	TOP_BUILDDIR='$(abs_top_builddir)'; export TOP_BUILDDIR; \
	PREFORKD='$(abs_top_builddir)/preforkd$(EXEEXT)'; export PREFORKD; \
	PREFORKC='$(abs_top_builddir)/preforkc$(EXEEXT)'; export PREFORKC; \
	PREFORKCTL='$(abs_top_builddir)/preforkctl$(EXEEXT)'; export PREFORKCTL; \
	FUZZ_PROGRAMS='$(fuzz_programs)'; export FUZZ_PROGRAMS; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;
