#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
#
# Runs Hermod in the foreground for a measurement: run.sh [VARIANT], below $WORK, where the
# certificate cert.pem and its key key.pem are; where not, they are made.  BUILD: the build folder
# (default build/bench of this tree).  VARIANT:
#   base  SQLite, messages stored for who is away only, as other servers do (default)
#   safe  SQLite, all messages archived before they are delivered: Hermod's own default
#   mam   the same with PostgreSQL on PG_PORT (default 15432) of 127.0.0.1, user postgres, in a database "hermod",
#         which is made when it is missing
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=${BUILD:-$here/build/bench}
dir=${WORK:?}/hermod-${1:-base}
mkdir -p "$dir"
chmod 700 "$dir"
test -s "$WORK/cert.pem" || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
	-days 365 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>/dev/null
ulimit -n 100000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
database=
archive=
test "${1:-base}" != base || archive="module archive { default never  secure no }"
if test "${1:-base}" = mam; then
	psql="psql -X -q -h 127.0.0.1 -p ${PG_PORT:=15432} -U postgres"
	$psql -d postgres -tc "SELECT 1 FROM pg_database WHERE datname = 'hermod'" | grep -q 1 ||
		$psql -d postgres -c 'CREATE DATABASE hermod TEMPLATE template0'
	database="storage { driver postgresql  hosts [ 127.0.0.1 ]  port $PG_PORT  user postgres  name hermod  tls disable }"
fi
cat >"$dir/hermod.conf" <<END
data_directory $dir/data
run_directory $dir/run
workers ${WORKERS:-1}
log { level warn }
$database
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
	$archive
	module register {
		open yes
		per_address unlimited
		per_host unlimited
		min_password 1
	}
}
END
exec "$build/src/daemon/hermod" --config "$dir/hermod.conf" --module-path "$build/modules"
