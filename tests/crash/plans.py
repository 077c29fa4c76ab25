# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What is done to the server: a plan has a fault(), which is called again and again."""

import asyncio
import os

import checks


class Plan:
    announced = ()    # what the log may complain about
    database = 'sqlite'
    workers = 2
    trace = False     # with the disk that forgets, and its trace

    def __init__(self, options):
        self.accounts = options.accounts
        self.seconds = options.seconds

    def adjust(self, habits):
        """Before the client is made."""

    def settings(self):
        """Statements of the configuration."""
        return ''

    async def begin(self, world):
        """The server runs, nobody has connected."""

    async def fault(self, world, rng):
        raise NotImplementedError

    async def end(self, world):
        """All clients have gone."""
        await world.blocking(world.server.stop)

    def more_checks(self, world):
        return []


class Kill(Plan):
    """SIGKILL on a disk that forgets what was not synchronised."""

    trace = True

    async def begin(self, world):
        self.slow(world)

    @staticmethod
    def slow(world):
        """A commit takes a while, so that most kills meet one."""
        world.server.control.ask('test disk', full=0, sync_ms=world.rng.choice([0, 2, 10, 30]))

    async def fault(self, world, rng):
        await asyncio.sleep(rng.uniform(0.2, 1.8))
        await world.kill_server()
        await asyncio.sleep(rng.choice([0, 0, 0.3]))
        await world.start_server()
        self.slow(world)

    def more_checks(self, world):
        with open(os.path.join(world.server.directory, 'trace'), encoding='ascii', errors='replace') as file:
            syncs = checks.Syncs(file)
        world.ledger.counts['syncs of the log'] = len(syncs)
        return checks.nothing_before_the_sync(world.ledger, syncs)


class FullDisk(Kill):
    """The same, and now and then no file can grow."""

    announced = ('level=error',)

    async def fault(self, world, rng):
        await asyncio.sleep(rng.uniform(0.1, 0.8))
        world.ledger.tell('the disk is full')
        world.ledger.counts['times full'] += 1
        world.server.control.ask('test disk', full=1, sync_ms=5)
        await asyncio.sleep(rng.uniform(0.1, 1))
        if rng.random() < 0.5:
            world.ledger.tell('there is room')
            world.server.control.ask('test disk', full=0, sync_ms=5)
        else:
            await world.kill_server()
            await world.start_server()
            world.ledger.tell('there is room')
            self.slow(world)


class Network(Plan):
    """Only the clients' connections fail: all is resumed or sent again."""

    def adjust(self, habits):
        habits.cuts = True

    async def fault(self, world, rng):
        await asyncio.sleep(0.5)


PLANS = {'kill': Kill, 'full-disk': FullDisk, 'network': Network}
