# SPDX-License-Identifier: MIT
"""One plot of a bench run: how much faster or slower preforkd is than each other side. Drawn by gnuplot."""

import os
import shutil
import subprocess

KINDS = ("rate", "cost")  # where more is better

SCRIPT = """
set terminal svg size 960,{height} font "sans,13" background "white"
set output "{out}"
set title "preforkd beside the others: ratio of rates; above 1 is faster\\n\
median of the rounds, and the lowest and highest of them"
set datafile separator "\\t"
set style fill solid 0.6
set logscale x 2
set xrange [0.5:*]
set yrange [{bottom}:0.5]
set grid x
set lmargin 46
unset key
set arrow from 1, graph 0 to 1, graph 1 nohead lw 2 front
plot "{data}" using 2:(-$0):(0.5):2:(-$0-0.35):(-$0+0.35):ytic(1) with boxxyerror lc rgb "#4477aa", \\
     "" using 2:(-$0):3:4 with xerrorbars pt 0 lw 2 lc rgb "black"
"""


def label(entry):
	return "{key}; beside {beside}".format(**entry).replace("_", "\\\\_")


def draw(lines, folder):
	"""Writes bench.svg. Returns what there is to be said about it."""
	shown = [entry for entry in lines if entry["kind"] in KINDS]
	gnuplot = os.environ.get("GNUPLOT") or shutil.which("gnuplot")
	if not shown:
		return []
	if not gnuplot:
		return ["no plot: gnuplot is not installed (Debian package: gnuplot-nox)"]
	data, out = os.path.join(folder, "bench.dat"), os.path.join(folder, "bench.svg")
	with open(data, "w") as f:
		for entry in shown:
			f.write("{}\t{}\t{}\t{}\n".format(label(entry), entry["ratio"],
							  entry["ratio_min"], entry["ratio_max"]))
	script = SCRIPT.format(height=110 + 34 * len(shown), out=out, data=data, bottom=-len(shown) + 0.5)
	run = subprocess.run([gnuplot], input=script, capture_output=True, text=True)
	if run.returncode != 0:
		return [f"no plot: gnuplot: {run.stderr.strip()[:300]}"]
	return []
