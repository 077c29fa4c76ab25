# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""What is done to the server: a plan has a fault(), which is called again and again."""

import asyncio
import os

import checks
from friends import befriend
from proxy import Proxy


class Plan:
    announced = ()    # what the log may complain about
    database = 'sqlite'
    workers = 2
    trace = False     # with the disk that forgets, and its trace
    by_hand = False   # only when it is named

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

    def take_presence(self, world, client, presence):
        """Of others."""

    async def before_end(self, world):
        """No more faults."""

    async def end(self, world):
        """All clients have gone."""
        await world.blocking(world.server.stop)

    def clean_up(self):
        """In any case."""

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
    by_hand = True

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


class Restart(Plan):
    """SIGTERM and start: everybody resumes, and nobody's contacts see anything."""

    def __init__(self, options):
        super().__init__(options)
        self.seen_to_go = []  # (observer, whom)

    def adjust(self, habits):
        habits.resumes = True
        habits.cuts = habits.leaves = False

    async def begin(self, world):
        accounts = list(world.accounts)
        for i, account in enumerate(accounts):
            await befriend(world, account, accounts[(i + 1) % len(accounts)])

    def take_presence(self, world, client, presence):
        world.ledger.counts['presence'] += 1
        # From a bare JID it is the answer to a probe: nobody was there yet (RFC 6121 4.3.2).
        if presence.get('type') == 'unavailable' and '/' in presence.get('from') and not world.ending:
            self.seen_to_go.append((client.name, presence.get('from')))

    async def fault(self, world, rng):
        await asyncio.sleep(rng.uniform(0.5, 2))
        world.ledger.tell('SIGTERM')
        world.ledger.counts['restarts'] += 1
        await world.blocking(world.server.stop)
        await asyncio.sleep(rng.choice([0, 0.2]))
        await world.start_server()

    def more_checks(self, world):
        for observer, whom in self.seen_to_go:
            yield f'{observer} saw {whom} go', None
        for what in ('not resumed', 'sent again', 'seen again'):
            if world.counts_before_end[what]:
                yield f'{world.counts_before_end[what]} {what}', None


# --- PostgreSQL --------------------------------------------------------------------------------


class Postgres(Plan):
    """SIGKILL of the server; the database stays."""

    database = 'postgresql'
    announced = ('level=warn', 'level=error')

    async def fault(self, world, rng):
        await asyncio.sleep(rng.uniform(0.2, 1.8))
        await world.kill_server()
        await world.start_server()


class PostgresStops(Plan):
    """It is stopped as by a crash, for a while, the server remains; now and then both go."""

    by_hand = True
    database = 'postgresql'
    announced = ('level=warn', 'level=error')

    async def fault(self, world, rng):
        cluster = world.server.options.cluster
        await asyncio.sleep(rng.uniform(0.3, 2))
        world.ledger.tell('PostgreSQL is stopped')
        world.ledger.counts['times stopped'] += 1
        await world.blocking(cluster.run, 'stop', 'immediate')
        await asyncio.sleep(rng.choice([0, 0.3, 1]))
        both = rng.random() < 0.3
        if both:
            await world.kill_server()
        await world.blocking(cluster.run, 'again')
        world.ledger.tell('PostgreSQL runs again')
        if both:
            await world.start_server()


class PostgresFar(Plan):
    """The way to it is long, gets lost in the middle, or answers do not arrive."""

    by_hand = True
    database = 'postgresql'
    announced = ('level=warn', 'level=error')

    def __init__(self, options):
        super().__init__(options)
        self.proxy = None

    def database_directory(self, options, directory):
        """Where the server finds it."""
        self.proxy = Proxy(directory, options.cluster.directory)
        return directory

    async def fault(self, world, rng):
        self.proxy.delay = rng.choice([0, 0.01, 0.1, 0.3])
        await asyncio.sleep(rng.uniform(0.2, 1.2))
        if rng.random() < 0.6:
            world.ledger.tell('answers of PostgreSQL get lost')
            self.proxy.deaf = True
            await asyncio.sleep(rng.uniform(0.01, 0.3))
            if rng.random() < 0.3:
                await world.kill_server()
            self.proxy.cut()
            self.proxy.deaf = False
            world.ledger.counts['connections to PostgreSQL cut'] += 1
        if not world.server.process:
            self.proxy.delay = 0
            await world.start_server()

    async def before_end(self, world):
        self.proxy.delay = 0

    def clean_up(self):
        if self.proxy:
            self.proxy.close()


PLANS = {'kill': Kill, 'full-disk': FullDisk, 'network': Network, 'restart': Restart,
         'postgres': Postgres, 'postgres-stops': PostgresStops, 'postgres-far': PostgresFar}
