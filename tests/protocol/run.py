#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Runs the protocol scripts (*.xt) against a built server; README.md has the format."""

import argparse
import importlib.util
import os
import random
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from xt.hermod import Hermod  # noqa: E402
from xt.runner import run_all  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('filters', nargs='*', help='only scripts whose path contains one of these')
    parser.add_argument('--build-dir', default=os.getcwd(), help='where the server was built')
    parser.add_argument('--server', help='the command to start instead of BUILD-DIR/src/daemon/hermod')
    parser.add_argument('--driver', help='a Python file with a class Driver for another server')
    parser.add_argument('--matrix', choices=('quick', 'full'), default='quick')
    parser.add_argument('--database', choices=('sqlite', 'postgresql', 'both'),
                        help='only cells with this database (without it: both, where PostgreSQL is installed)')
    parser.add_argument('--workers', type=int, help='only cells with so many workers')
    parser.add_argument('--jobs', type=int, default=2, help='how many scripts at once')
    parser.add_argument('--seed', type=int, default=random.randrange(1, 2**31), help='of the order of hooks')
    parser.add_argument('--timeout', type=float, default=float(os.environ.get('XT_TIMEOUT', '5')),
                        help='seconds that any wait may take (environment: XT_TIMEOUT)')
    parser.add_argument('--log-level', default='info', help='debug shows each stanza when a script fails')
    parser.add_argument('--keep', action='store_true', help="keep the servers' directories")
    parser.add_argument('--no-self-test', action='store_true', help='leave out the tests of the runner')
    return parser.parse_args()


def driver(path):
    if not path:
        return Hermod
    spec = importlib.util.spec_from_file_location('driver', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Driver


def self_test():
    """(passed, failed) of the runner's own tests."""
    suite = unittest.defaultTestLoader.discover(HERE, 'test_*.py')
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(suite)
    bad = len(result.failures) + len(result.errors)
    return result.testsRun - bad, bad


def main():
    options = arguments()
    root = os.path.dirname(os.path.dirname(HERE))
    passed = failed = 0
    if not options.no_self_test and (not options.filters or 'runner' in options.filters):
        passed, failed = self_test()
    more_passed, more_failed = run_all(root, options, driver(options.driver))
    passed, failed = passed + more_passed, failed + more_failed
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
