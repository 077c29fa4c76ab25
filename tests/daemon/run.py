#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Tests of the program itself: its options, its configuration, start, stop, reload, and the
control socket.  run.py --build-dir BUILD [FILTER...]; the last line is "N passed, M failed"."""

import argparse
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import test_config  # noqa: E402
import test_control  # noqa: E402
import test_database  # noqa: E402
import test_disk  # noqa: E402
import test_life  # noqa: E402
import test_reload  # noqa: E402
import test_resolve  # noqa: E402
from server import Failed, Server, Skipped  # noqa: E402


def all_tests():
    for module in (test_config, test_life, test_reload, test_control, test_database, test_disk, test_resolve):
        for name in sorted(vars(module)):
            if name.startswith('test_') and callable(vars(module)[name]):
                yield f'{module.__name__}.{name}', vars(module)[name]


def run(test):
    """(None, or what is wrong; None, or why it was not run)"""
    server = Server()
    wrong = skipped = None
    try:
        test(server)
    except Skipped as reason:
        skipped = str(reason)
    except Failed as failed:
        wrong = str(failed)
    except Exception:  # pylint: disable=broad-except
        wrong = traceback.format_exc()
    try:
        server.end()
    except Exception as error:  # pylint: disable=broad-except
        wrong = wrong or str(error)
    return wrong, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build-dir', required=True)
    parser.add_argument('filters', nargs='*')
    options = parser.parse_args()
    Server.build = os.path.abspath(options.build_dir)
    passed = failed = 0
    for name, test in all_tests():
        if options.filters and not any(word in name for word in options.filters):
            continue
        begin = time.monotonic()
        wrong, skipped = run(test)
        if skipped and not wrong:
            print(f'skip {name}: {skipped}', flush=True)
            continue
        print(f'{"FAIL" if wrong else "ok  "} {name} {time.monotonic() - begin:.2f} s', flush=True)
        if wrong:
            print('    ' + wrong.replace('\n', '\n    '))
            failed += 1
        else:
            passed += 1
    print(f'{passed} passed, {failed} failed')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
