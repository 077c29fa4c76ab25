#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Clients chat while the server is killed again and again; nothing acknowledged may be lost, nothing
may come twice.  README.md tells more.  The last line is "N passed, M failed"."""

import argparse
import asyncio
import collections
import os
import random
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'protocol'))
sys.dont_write_bytecode = True

from plans import PLANS  # noqa: E402
from world import DOMAIN, World  # noqa: E402
from xt.client import Failure  # noqa: E402
from xt.hermod import Hermod  # noqa: E402
from xt.postgres import Cluster, is_there  # noqa: E402
from xt.runner import Cell  # noqa: E402
from xt.server import Certificates, folder  # noqa: E402

SHOWN = 5  # mistakes of one kind; the histories of the first ones

class ServerUnderTest(Hermod):
    """Clients come without TLS: it is the most expensive part of a login, and not what is tested."""

    def __init__(self, options, plan, certificates):
        super().__init__(options, Cell('crash', plan.workers, False, plan.database), certificates)
        self.plan = plan
        self.between = None
        self.hosts = [DOMAIN]
        self.settings[None] = ('c2s { require_tls no\nmechanisms [ SCRAM-SHA-1 ] }\n' + plan.settings())

    def with_storage(self, top):
        """A plan may put something between the server and its database."""
        text = super().with_storage(top)
        if not hasattr(self.plan, 'database_directory'):
            return text
        if not self.between:
            self.between = self.plan.database_directory(self.options, self.directory)
        return text.replace(f'"{self.options.cluster.directory}"', f'"{self.between}"')

    def argv(self):
        trace = os.path.join(self.directory, 'trace')
        return super().argv() + (['--test-disk', trace] if self.plan.trace else [])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('filters', nargs='*', help=f'plans: {", ".join(PLANS)}')
    parser.add_argument('--build-dir', default=os.getcwd(), help='where the server was built')
    parser.add_argument('--server', help='the command to start instead of BUILD-DIR/src/daemon/hermod')
    parser.add_argument('--seed', type=int, default=random.randrange(1, 2**31), help='repeats what was drawn')
    parser.add_argument('--seconds', type=float, default=4, help='of trouble in each plan')
    parser.add_argument('--minutes', type=float, help='goes on for so long, each time with another seed')
    parser.add_argument('--database', choices=('sqlite', 'postgresql', 'both'),
                        help='only plans with this one (without it: both, where PostgreSQL is installed)')
    parser.add_argument('--accounts', type=int, default=10)
    parser.add_argument('--timeout', type=float, default=float(os.environ.get('XT_TIMEOUT', '5')))
    parser.add_argument('--log-level', default='info')
    parser.add_argument('--all', action='store_true', help='also the plans that otherwise must be named')
    parser.add_argument('--keep', action='store_true', help="keep the servers' directories")
    return parser.parse_args()


def self_test():
    suite = unittest.defaultTestLoader.discover(HERE, 'test_*.py')
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite)
    bad = len(result.failures) + len(result.errors)
    return result.testsRun - bad, bad


def run_plan(name, options, certificates):
    """Is all well?"""
    plan = PLANS[name](options)
    server = ServerUnderTest(options, plan, certificates)
    begin = time.monotonic()
    world = None
    try:
        world = World(server, f'{options.seed}-{name}', plan)
        wrong = asyncio.run(world.run())
    except Failure as failure:
        wrong = [(str(failure), None)]
    finally:
        server.remove()
        plan.clean_up()
    print(f'{"FAIL" if wrong else "ok  "} {name} {time.monotonic() - begin:.1f} s, seed {options.seed}')
    if world:
        counts = {'clients': len(world.clients), 'messages': len(world.ledger.messages), **world.ledger.counts}
        print('     ' + ', '.join(f'{count} {what}' for what, count in counts.items()))
    by_check = collections.Counter()
    for what, _ in wrong:
        check = what.partition(':')[0]
        by_check[check] += 1
        if by_check[check] <= SHOWN:
            print('    ' + what.replace('\n', '\n    '))
    for check, count in by_check.items():
        if count > SHOWN:
            print(f'    {check}: {count} in all')
    for ident, what in list({ident: what for what, ident in reversed(wrong) if ident}.items())[-3:]:
        print(f'      {what}')
        print('\n'.join(f'        {line}' for line in world.ledger.history(ident, what)))
    if wrong and options.keep:
        print(f'    the server was in {server.directory}')
    sys.stdout.flush()
    return not wrong


def chosen(options):
    if options.filters:
        names = [name for name in PLANS if any(f in name for f in options.filters)]
    else:
        names = [name for name in PLANS if options.all or not PLANS[name].by_hand]
    database = options.database or ('both' if is_there() else 'sqlite')
    return [name for name in names if database in ('both', PLANS[name].database)]


def main():
    options = arguments()
    passed, failed = self_test()
    certificates = Certificates()
    deadline = time.monotonic() + 60 * (options.minutes or 0)
    names = chosen(options)
    options.cluster = None
    try:
        if any(PLANS[name].database == 'postgresql' for name in names):
            options.cluster = Cluster(folder())
        while True:
            for name in names:
                if run_plan(name, options, certificates):
                    passed += 1
                else:
                    failed += 1
            if time.monotonic() >= deadline:
                break
            options.seed = random.Random(options.seed).randrange(1, 2**31)
    finally:
        certificates.remove()
        if options.cluster:
            options.cluster.remove()
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
