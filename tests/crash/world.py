# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Accounts with their clients, the server that is treated badly, and how it goes on and ends.
What happens is drawn from one seed; when exactly it happens to whom is not repeatable."""

import asyncio
import random

import checks
from client import MAM, PAGE, RSM, STEP_S, Client, Connection, Habits, Lost
from ledger import Ledger, View
from xt.client import Failure
from xt.server import REPORTS, tail
from xt.tree import BIND, CLIENT

DOMAIN = 'x.example'
SETTLE_S = 30


class World:
    def __init__(self, server, seed, plan):
        self.server = server
        self.plan = plan
        self.rng = random.Random(seed)
        self.ledger = Ledger()
        self.address = (server.address, server.port)
        self.ending = False
        self.over = asyncio.Event()
        self.clients = []
        self.losses = []
        self.counts_before_end = self.ledger.counts
        self.accounts = {}  # bare JID -> its clients
        for number in range(plan.accounts):
            self.make_account(f'u{number}@{DOMAIN}', number)

    def make_account(self, account, number):
        """Some have one client that lives from what is delivered; the others have several that
        read their archive."""
        count = 1 if number % 4 == 0 else self.rng.choice([1, 2, 2, 3])
        self.accounts[account] = []
        for device in range(count):
            name = f'{account.partition("@")[0]}{"abc"[device]}'
            rng = random.Random(self.rng.random())
            habits = Habits(rng, syncs=number % 4 != 0)
            self.plan.adjust(habits)
            self.ledger.views[name] = View(name, account, habits.syncs)
            client = Client(self, name, account, 'secret', habits, rng)
            self.accounts[account].append(client)
            self.clients.append(client)

    # --- For clients ---------------------------------------------------------

    def choose_addressee(self, client):
        if client.rng.random() < 0.03:
            return client.account
        account = client.rng.choice([a for a in self.accounts if a != client.account])
        if client.rng.random() < 0.2:
            return f'{account}/{client.rng.choice(self.accounts[account]).name}'
        return account

    def note_lost(self, client, why):
        self.losses.append((client.name, why))
        if client.connection:
            client.view.note(f'lost its connection: {why}')
        if 'stream error' in why and 'system-shutdown' not in why and 'conflict' not in why:
            client.view.wrong.append(why)

    def take_presence(self, client, presence):
        if presence.get('from', '').partition('/')[0] != client.account:
            self.plan.take_presence(self, client, presence)

    async def sleep(self, seconds):
        """Not longer than until the end begins."""
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    # --- The server -------------------------------------------------------------

    async def blocking(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(None, function, *args)

    async def start_server(self):
        await self.blocking(self.server.start)
        self.ledger.tell('the server is ready')

    async def kill_server(self):
        if not self.server.running():
            raise Failure(f'the server died by itself: {self.server.ending()}\n{tail(self.server.log(), 40)}')
        self.ledger.tell('SIGKILL')
        self.ledger.counts['kills'] += 1
        self.server.kill()

    async def treat_badly(self):
        """Until the time is over."""
        deadline = asyncio.get_running_loop().time() + self.plan.seconds
        while asyncio.get_running_loop().time() < deadline:
            await self.plan.fault(self, self.rng)

    # --- From the beginning to the end ---------------------------------------------

    async def run(self):
        """All that is wrong, as (text, ident of a message or None)."""
        await self.start_server()
        for account in self.accounts:
            self.server.add_account(account, 'secret')
        await self.plan.begin(self)
        tasks = [asyncio.create_task(client.live()) for client in self.clients]
        faults = asyncio.create_task(self.treat_badly())
        try:
            done, _ = await asyncio.wait([*tasks, faults], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            wrong = await self.settle()
            wrong += await self.read_archives()
            wrong += await self.wait_for_views()
        finally:
            for task in [*tasks, faults]:
                task.cancel()
            await asyncio.gather(*tasks, faults, return_exceptions=True)
        await self.plan.end(self)
        wrong += self.look_at_log()
        wrong += list(checks.all_checks(self.ledger))
        wrong += list(self.plan.more_checks(self))
        return wrong

    async def settle(self):
        """Everybody comes back, and everything is acknowledged."""
        self.ledger.tell('no more faults')
        await self.plan.before_end(self)
        self.counts_before_end = self.ledger.counts.copy()
        self.ending = True
        self.over.set()
        if await self.wait_until(lambda: all(self.is_done(c) for c in self.clients)):
            return []
        return [(f'{c.name} has not come to rest: connected {c.ready.is_set()}, synced {c.synced}, unacknowledged '
                 f'{len(c.unacked) + len(c.again)}; its last loss: '
                 f'{next((why for name, why in reversed(self.losses) if name == c.name), None)}', None)
                for c in self.clients if not self.is_done(c)]

    @staticmethod
    def is_done(client):
        return client.ready.is_set() and client.synced and not client.again \
            and not any(message for _, message in client.unacked)

    async def wait_until(self, condition):
        deadline = asyncio.get_running_loop().time() + SETTLE_S
        while not condition():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True

    async def read_archives(self):
        """After another crash, so that what is read is what is on disk."""
        await self.kill_server()
        await self.start_server()
        wrong = []
        for account in self.accounts:
            try:
                self.ledger.archives[account] = await asyncio.wait_for(self.read_archive(account), SETTLE_S)
            except (Lost, asyncio.TimeoutError) as error:
                wrong.append((f'the archive of {account} cannot be read: {error!r}', None))
        return wrong

    async def read_archive(self, account):
        """By a device that has never been there."""
        reader = Client(self, self.accounts[account][0].name, account, 'secret', self.accounts[account][0].habits,
                        self.rng)
        reader.connection = connection = await Connection.open(*self.address)
        await connection.open_stream(DOMAIN)
        await reader.authenticate()
        await connection.open_stream(DOMAIN)
        connection.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>reader</resource></bind></iq>")
        await connection.step()
        archive, after = [], ''
        while True:
            connection.send(f"<iq type='set' id='page'><query xmlns='{MAM}'><set xmlns='{RSM}'><max>{PAGE * 5}</max>"
                            f"{after}</set></query></iq>")
            fin = await self.read_page(connection, archive)
            last = fin.find(RSM, 'set').find(RSM, 'last')
            if fin.get('complete') == 'true':
                await connection.close()
                return archive
            after = f'<after>{last.text()}</after>'

    @staticmethod
    async def read_page(connection, archive):
        while True:
            element = await connection.step()
            result = element.find(MAM, 'result')
            if result is not None:
                inner = result.elements()[0].find(CLIENT, 'message')
                archive.append((result.get('id'), inner.get('id')))
            elif element.local == 'iq' and element.get('id') == 'page':
                fin = element.find(MAM, 'fin')
                if fin is None:
                    raise Lost(f'the archive refuses: {element}')
                return fin

    async def wait_for_views(self):
        """What was stored for clients that do not ask is delivered to them."""
        def all_seen():
            return all(self.is_done(c) for c in self.clients) and not any(checks.nothing_missing(self.ledger))
        await self.wait_until(all_seen)
        return []  # what is missing is told by the checks

    def look_at_log(self):
        log = self.server.log()
        wrong = []
        if REPORTS.search(log):
            wrong.append(('a sanitizer or an assertion reports:\n' + tail(log, 60), None))
        for line in log.splitlines():
            if ('level=warn' in line.lower() or 'level=error' in line.lower()) \
                    and not any(text in line for text in self.plan.announced):
                wrong.append((f'the server complains: {line}', None))
                break
        return wrong
