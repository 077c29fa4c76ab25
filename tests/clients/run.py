#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Debian's XMPP clients against Hermod.

    tests/clients/run.py [--build-dir FOLDER] [--keep] [--screenshot FILE] [FILTER...]

A scenario has a server of its own and consists of steps; each step is a test.
The first step that fails ends its scenario, and what the clients and the server
have written is shown.  A filter is a part of a scenario's name: gajim, offline.
The last line is "N passed, M failed".
"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peer
import processes
import server
import with_gajim
import with_profanity
import with_slixmpp

SCENARIOS = [*with_slixmpp.SCENARIOS, *with_profanity.SCENARIOS, *with_gajim.SCENARIOS]


class Run:
    """What a scenario gets: a running server, clients, and steps that are counted."""

    def __init__(self, name, folder, loop, options):
        self.name, self.folder, self.loop, self.options = name, folder, loop, options
        self.passed = 0
        self.failed = 0
        self.stack = contextlib.ExitStack()  # what ends with the scenario
        self.logs = []  # (title, function that returns lines)
        self.server = options.server_class(options.build_dir, os.path.join(folder, "server"))
        self.logs.append(("the server's log", lambda: processes.tail(self.server.log, 40)))

    def account(self, user):
        return self.server.add_account(user)

    def new_peer(self, user, resource="peer"):
        client = peer.Peer(self.loop, self.server, user, resource)
        self.logs.append((client.name, lambda: client.log[-40:]))
        return client

    @contextlib.contextmanager
    def peer(self, user, resource="peer", online=True, **options):
        """A slixmpp client of an account that exists, for the length of a block."""
        client = self.new_peer(user, resource)
        try:
            client.log_in(**options)
            if online:
                client.go_online()
            yield client
            if not client.ended:
                client.log_out()
        finally:
            client.close()

    @contextlib.contextmanager
    def step(self, what):
        start = time.monotonic()
        try:
            yield
        except BaseException:
            self.failed += 1
            print("FAILED %s: %s (%.1f s)" % (self.name, what, time.monotonic() - start), flush=True)
            raise
        self.passed += 1
        print("ok     %s: %s (%.1f s)" % (self.name, what, time.monotonic() - start), flush=True)

    def show_logs(self):
        for title, lines in self.logs:
            print("  --- %s" % title)
            for line in lines():
                print("  %s" % line[:1000])


def explain(error):
    if isinstance(error, AssertionError) and error.args:
        where = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in where if os.path.basename(frame.filename).startswith("with_")]
        frame = (ours or where)[-1]
        print("  %s:%d: %s" % (os.path.basename(frame.filename), frame.lineno, error))
    else:
        traceback.print_exception(error, file=sys.stdout)


def play(name, scenario, folder, loop, options):
    """One scenario, with its server; returns (passed, failed)."""
    run = Run(name, folder, loop, options)
    try:
        run.server.start()
        with run.stack:
            scenario(run)
        with run.step("the server has nothing to complain about"):
            run.server.stop()
        with run.step("nothing is left behind"):
            left = processes.end_leftovers()
            if left:
                raise AssertionError("still running: %s" % "; ".join(left))
    except Exception as error:
        if run.failed == 0:
            run.failed = 1
            print("FAILED %s" % name)
        explain(error)
        run.show_logs()
    finally:
        run.server.kill()
        processes.end_leftovers()
        sys.stdout.flush()
    return run.passed, run.failed


def interrupted(number, frame):
    raise KeyboardInterrupt


def main(server_class=server.Server):
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build-dir", default=os.environ.get("HERMOD_BUILDDIR", "."))
    parser.add_argument("--keep", action="store_true", help="keep what the clients wrote")
    parser.add_argument("--screenshot", help="where to put the picture of Gajim's chat")
    parser.add_argument("filters", nargs="*")
    options = parser.parse_args()
    options.build_dir = os.path.abspath(options.build_dir)
    options.server_class = server_class

    os.environ[processes.MARK] = "%d-%d" % (os.getpid(), time.time_ns())
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    peer.quiet()
    os.umask(0o022)
    folder = tempfile.mkdtemp(prefix="hermod-clients-")
    os.chmod(folder, 0o755)  # Gajim refuses root, so it runs as another user
    loop = peer.Loop()
    passed = failed = 0
    try:
        for name, scenario in SCENARIOS:
            if options.filters and not any(f in name for f in options.filters):
                continue
            place = os.path.join(folder, name.replace(" ", "-"))
            os.mkdir(place)
            good, bad = play(name, scenario, place, loop, options)
            passed += good
            failed += bad
            if not options.keep:
                shutil.rmtree(place, ignore_errors=True)
    finally:
        loop.close()
        processes.end_leftovers()
        if options.keep:
            print("kept: %s" % folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
