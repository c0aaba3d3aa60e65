# SPDX-License-Identifier: MIT
# Pages that are distributed and not installed.
EXTRA_DIST += %D%/benchmarks
