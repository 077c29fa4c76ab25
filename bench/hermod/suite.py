#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Runs the scenarios of the comparison bench against Hermod alone and prints its tables.

  WORK=DIR BUILD=DIR suite.py BENCH [--variant base] [--runs 3] [--users 4000] [--quick] [--no-setup] [--name PATTERN]

BENCH is a writable copy of the comparison bench (with anchors/ and xmppload/), $WORK a folder for
data, certificate and results, $BUILD the build folder as for run.sh.  This differs from the bench's own
suite.py in two things: the CPU time of the server comes from the scheduler's nanosecond counters
instead of the ticks of 10 ms, and PostgreSQL is started for the variant that needs it (mam) only.
"""
import argparse
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def nanoseconds(pid):
    total = 0
    for thread in os.listdir('/proc/%d/task' % pid):
        try:
            with open('/proc/%d/task/%s/schedstat' % (pid, thread)) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total


def precise_cpu(bench):
    """In place of bench.cpu(): (user, system) seconds of the tree, of which the sum is exact and the parts are by ticks."""
    def cpu(pids):
        total = system = 0
        for pid in bench.tree(pids):
            try:
                total += nanoseconds(pid) / 1e9
                system += int(bench._stat(pid)[12]) / bench.TICK
            except OSError:
                pass
        return total - system, system
    return cpu


def start_database(suite, o):
    """PostgreSQL, durable, empty unless the accounts are there already."""
    database = suite.Proc([os.path.join(o.bench, 'anchors', 'postgres', 'run.sh')], suite.WORK + '/postgres.log')
    for _ in range(300):
        if suite.port_open(suite.PG_PORT):
            break
        time.sleep(0.1)
    if not o.no_setup:
        subprocess.run(['psql', '-X', '-q', '-h', '127.0.0.1', '-p', str(suite.PG_PORT), '-U', 'postgres', '-d', 'postgres',
                        '-c', 'DROP DATABASE IF EXISTS hermod'], check=True)
    return database


def main():
    a = argparse.ArgumentParser()
    a.add_argument('bench')
    a.add_argument('--variant', default='base', choices=['base', 'safe', 'mam'])
    a.add_argument('--runs', type=int, default=3)
    a.add_argument('--users', type=int, default=4000)
    a.add_argument('--quick', action='store_true', help='a tenth of the messages')
    a.add_argument('--no-setup', action='store_true', help='the accounts are there already')
    a.add_argument('--name', default='', help='only scenarios whose name contains this')
    o = a.parse_args()
    o.div = 10 if o.quick else 1
    os.environ.setdefault('WORK', '/var/tmp/hermod-bench')
    sys.path.insert(0, os.path.join(o.bench, 'anchors'))
    import suite
    bench = suite.bench
    bench.cpu = precise_cpu(bench)
    step = suite.step
    suite.step = lambda run, srv, scen, *args, **kw: step(run, srv, scen, *args, **kw) if o.name in scen else None
    subprocess.run(['make', '-s', '-C', os.path.join(o.bench, 'xmppload')], check=True)
    os.makedirs(suite.WORK + '/results', exist_ok=True)
    out = '%s/results/hermod-%s.jsonl' % (suite.WORK, time.strftime('%Y%m%d-%H%M%S'))
    suite.LOGF = open(out, 'a')
    server = suite.Server(HERE, o.variant)
    database = None
    try:
        if server.v.get('db'):
            database = start_database(suite, o)
        if not o.no_setup:
            suite.setup(server, o)
        for run in range(1, o.runs + 1):
            if server.v['plan'] != 'base':  # which starts it to see how long that takes
                server.start()
            suite.PLANS[server.v['plan']](run, server, o, [database.pid] if database else ())
            server.stop()
    finally:
        if server.proc and server.proc.p.poll() is None:
            server.stop()
        if database:
            database.stop(sig=signal.SIGINT)
        suite.LOGF.close()
    subprocess.run([sys.executable, os.path.join(o.bench, 'anchors', 'report.py'), out], check=True)


if __name__ == '__main__':
    main()
