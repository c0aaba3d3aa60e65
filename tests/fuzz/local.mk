# SPDX-License-Identifier: MIT
# Each fuzz_X.c is built with replay.c, which feeds it corpus/X/* in make check; with --enable-fuzzer
# it is a libFuzzer program.
check_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c
fuzz_programs = \
	%D%/fuzz_addr \
	%D%/fuzz_config \
	%D%/fuzz_control \
	%D%/fuzz_frame \
	%D%/fuzz_networks \
	%D%/fuzz_parse \
	%D%/fuzz_proxy
%C%_fuzz_addr_LDADD = $(fuzz_libs)
%C%_fuzz_config_LDADD = $(fuzz_libs)
%C%_fuzz_control_LDADD = $(fuzz_libs)
%C%_fuzz_frame_LDADD = $(fuzz_libs)
%C%_fuzz_networks_LDADD = $(fuzz_libs)
%C%_fuzz_parse_LDADD = $(fuzz_libs)
%C%_fuzz_proxy_LDADD = $(fuzz_libs)
# FUZZ_ENGINE is substituted: automake does not see that the programs need it.
$(fuzz_programs): %D%/libreplay.a
TESTS += %D%/replay.sh
EXTRA_DIST += \
	%D%/corpus
