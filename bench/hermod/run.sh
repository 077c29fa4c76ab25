#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
#
# Runs Hermod in the foreground for a measurement: run.sh [VARIANT], below $WORK, where the
# certificate cert.pem and its key key.pem are.  BUILD: the build folder (default build/bench of this tree).
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$here/build/bench}
dir=${WORK:?}/hermod-${1:-base}
mkdir -p "$dir"
chmod 700 "$dir"
ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
cat >"$dir/hermod.conf" <<END
data_directory $dir/data
run_directory $dir/run
workers ${WORKERS:-1}
log { level warn }
limits {
	auth_failures 1000000
	auth_unfinished 1000000
}
c2s {
	require_tls no
	rate unlimited
	max_unauthenticated_per_address 100000
	max_connections 100000
}
listen c2s { port ${HERMOD_PORT:-15522}  addresses [ 127.0.0.1 ] }
host localhost {
	certificate $WORK/cert.pem
	key $WORK/key.pem
	module register {
		open yes
		per_address unlimited
		per_host unlimited
		min_password 1
	}
}
END
exec "$build/src/daemon/hermod" --config "$dir/hermod.conf" --module-path "$build/modules"
