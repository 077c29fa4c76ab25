#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
#
# What `hermodctl account import` costs: import.sh [USERS [RUNS]], default 3000 and 5.  Needs $WORK with
# cert.pem and key.pem, as run.sh does.  Counts the CPU time of all threads of the server by the
# scheduler's nanosecond counters, and that of hermodctl; prints each run, then the median.
set -eu
users=${1:-3000} runs=${2:-5}
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build/bench}
dir=${WORK:?}/hermod-import
socket=$dir/run/control.sock
rm -rf "$dir"
"$here/run.sh" import >"$WORK/import.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
until test -S "$socket" && "$build/cli/hermodctl" --socket "$socket" status >/dev/null 2>&1; do
	kill -0 $server
	sleep 0.05
done

# A line for each thread: its name and its microseconds.
threads() {
	for task in "/proc/$server/task"/*; do
		awk -v name="$(cat "$task/comm")" '{ printf "%s %.0f\n", name, $1 / 1000 }' "$task/schedstat"
	done
}

TIMEFORMAT='%3U %3S'
for run in $(seq "$runs"); do
	seq "$users" | sed "s/.*/import$run-&@localhost,password&/" >"$dir/accounts.csv"
	threads >"$dir/before"
	{ time "$build/cli/hermodctl" --socket "$socket" account import \
		<"$dir/accounts.csv" >/dev/null; } 2>"$dir/hermodctl"
	threads >"$dir/after"
	paste -d ' ' "$dir/before" "$dir/after" "$dir/hermodctl" | awk -v n="$users" '
		{ us[$1] += $4 - $2; all += $4 - $2 }
		NF > 4 { us["hermodctl"] = 1e6 * ($5 + $6); all += us["hermodctl"] }
		END {
			printf "%.3f ms of CPU per account:", all / n / 1000
			for (name in us)
				if (us[name] >= n / 10)
					printf " %s %.1f us,", name, us[name] / n
			printf " %.0f a second and core\n", n * 1e6 / all
		}'
done | tee "$dir/runs"
sort -n "$dir/runs" | awk '{ line[NR] = $0 } END { print "median:"; print line[int((NR + 1) / 2)] }'
