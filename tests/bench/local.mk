# SPDX-License-Identifier: MIT
# `make bench`: numbers, not tests; never part of make check. Arguments: make bench BENCH='--only echo-64'
bench_programs = %D%/yardstick %D%/yardstick_exec %D%/yardstick_http %D%/yardstick_source %D%/yardstick_datagram %D%/forks %D%/knock
EXTRA_PROGRAMS = $(bench_programs)
CLEANFILES += $(bench_programs)
%C%_yardstick_SOURCES = %D%/yardstick.c %D%/yard.c %D%/yard.h
%C%_yardstick_exec_SOURCES = %D%/yardstick_exec.c %D%/yard.c %D%/yard.h
%C%_yardstick_http_SOURCES = %D%/yardstick_http.c %D%/yard.c %D%/yard.h
%C%_yardstick_source_SOURCES = %D%/yardstick_source.c %D%/yard.c %D%/yard.h
%C%_yardstick_datagram_SOURCES = %D%/yardstick_datagram.c
%C%_forks_SOURCES = %D%/forks.c
%C%_knock_SOURCES = %D%/knock.c
%C%_yardstick_LDADD =
%C%_yardstick_exec_LDADD =
%C%_yardstick_http_LDADD =
%C%_yardstick_source_LDADD =
%C%_yardstick_datagram_LDADD =
%C%_forks_LDADD =
%C%_knock_LDADD =

EXTRA_DIST += \
	%D%/bench.py \
	%D%/orders.py \
	%D%/peers.py \
	%D%/plot.py \
	%D%/pss.py \
	%D%/relays.py \
	%D%/servers.py \
	%D%/walls.py \
	%D%/works.py

# A goal that is missed is a finding, not a broken build.
bench: preforkd$(EXEEXT) preforkc$(EXEEXT) $(bench_programs)
	@PREFORKD='$(abs_top_builddir)/preforkd$(EXEEXT)' PREFORKC='$(abs_top_builddir)/preforkc$(EXEEXT)' \
	PEERS='$(abs_top_builddir)/peers' PYTHONDONTWRITEBYTECODE=1 \
	$(PYTHON3) $(top_srcdir)/%D%/bench.py --programs %D% --out bench $(BENCH) \
	|| test $$? -eq 1

.PHONY: bench
