#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
#
# What `hermodctl account import` costs: import.sh [USERS].  Needs $WORK with cert.pem and key.pem,
# as run.sh does.
set -eu
users=${1:-3000}
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../../build/bench}
rm -rf "${WORK:?}/hermod-import"
"$here/run.sh" import >"$WORK/import.log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
socket=$WORK/hermod-import/run/control.sock
until test -S "$socket" && "$build/cli/hermodctl" --socket "$socket" status >/dev/null 2>&1; do
	kill -0 $server
done
ticks() {
	awk '{ print $14 + $15 }' "/proc/$server/stat"
}
before=$(ticks)
i=0
while test $i -lt "$users"; do
	echo "import$i@localhost,password$i"
	i=$((i + 1))
done | "$build/cli/hermodctl" --socket "$socket" account import
after=$(ticks)
awk -v n="$users" -v t="$((after - before))" -v hz="$(getconf CLK_TCK)" \
	'BEGIN { printf "%.2f ms of CPU per user, %.0f users per second and core\n", t * 1000 / hz / n, n * hz / t }'
