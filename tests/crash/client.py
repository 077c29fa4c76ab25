# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A client that keeps its promises: it counts and acknowledges (XEP-0198), resumes or sends again
what was not acknowledged, under the same ids, and asks its archive (XEP-0313) for what came
after the last id it saw.  What it sends and sees goes into the ledger."""

import asyncio
import base64
import collections
import time

from ledger import AGAIN, ARCHIVE, LIVE, OFFLINE, RECEIVED_COPY, SENT_COPY, Message
from xt import sasl
from xt.tree import BIND, CLIENT, PING, SASL, STREAMS, BadXml, StreamReader, show

SM = 'urn:xmpp:sm:3'
MAM = 'urn:xmpp:mam:2'
RSM = 'http://jabber.org/protocol/rsm'
CARBONS = 'urn:xmpp:carbons:2'
FORWARD = 'urn:xmpp:forward:0'
DELAY = 'urn:xmpp:delay'
SID = 'urn:xmpp:sid:0'

STEP_S = 10       # no step of a login and no request takes longer
UNACKED_MAX = 40  # then it waits with sending
PAGE = 20


class Lost(Exception):
    """The connection has ended."""


class Connection:
    """Elements on a TCP connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.parser = StreamReader()

    @classmethod
    async def open(cls, address, port):
        try:
            return cls(*await asyncio.wait_for(asyncio.open_connection(address, port), STEP_S))
        except (OSError, asyncio.TimeoutError) as error:
            raise Lost(str(error)) from None

    def send(self, text):
        if not self.writer.is_closing():
            self.writer.write(text.encode())

    async def next(self):
        """The next element, or the stream's header."""
        while not self.parser.events:
            try:
                data = await self.reader.read(65536)
            except OSError as error:
                raise Lost(str(error)) from None
            if not data:
                raise Lost('the connection ended')
            try:
                self.parser.feed(data)
            except BadXml as error:
                raise Lost(f'bad XML: {error}') from None
        kind, value = self.parser.events.pop(0)
        if kind == 'end':
            raise Lost('the stream was closed')
        if kind == 'element' and value.name == (STREAMS, 'error'):
            raise Lost('stream error: ' + ' '.join(e.local for e in value.elements()))
        return value

    async def step(self):
        """During the login, where an answer must come."""
        try:
            return await asyncio.wait_for(self.next(), STEP_S)
        except asyncio.TimeoutError:
            raise Lost('no answer in time') from None

    async def open_stream(self, domain):
        self.parser = StreamReader()
        self.send(f"<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='{CLIENT}' "
                  f"xmlns:stream='{STREAMS}'>")
        await self.step()
        return await self.step()

    def cut(self):
        self.writer.transport.abort()

    async def close(self):
        """</stream:stream> both ways; what is on the way from the server gets lost with the session."""
        self.send('</stream:stream>')
        try:
            while True:
                await asyncio.wait_for(self.next(), STEP_S)
        except (Lost, asyncio.TimeoutError):
            pass
        self.writer.close()


class Habits:
    """How it behaves; drawn by the plan."""

    def __init__(self, rng, syncs, talks=True, copies=True):
        self.syncs = syncs                       # by its archive; else only what is delivered
        self.talks = talks
        self.copies = copies and syncs           # carbons
        self.early = rng.random() < 0.5          # presence before the archive
        self.resumes = rng.random() < 0.85
        self.ask_every = rng.choice([1, 1, 3, 8])  # <r/> after so many messages
        self.ack_alone = rng.random() < 0.5      # <a/> now and then without being asked
        self.stamps = rng.random() < 0.5         # a delay on what is sent again (XEP-0198 5)
        self.origin_ids = rng.random() < 0.8
        self.pause = rng.uniform(0.05, 0.4)      # seconds between messages
        self.cuts = rng.random() < 0.4           # its network fails now and then
        self.leaves = rng.random() < 0.4         # it is away for a while now and then


class Client:
    def __init__(self, world, name, account, password, habits, rng):
        self.world = world
        self.name = name
        self.account = account
        self.password = password
        self.habits = habits
        self.rng = rng
        self.view = world.ledger.views[name]
        self.connection = None
        self.ready = asyncio.Event()       # it may send
        self.number = 0                    # of its last message
        self.unacked = collections.deque() # (text, message or None) since the session's beginning
        self.again = collections.deque()   # messages that are to be sent again first
        self.asked = {}                    # id of a request -> future
        self.resume_id = None
        self.received = 0                  # h, of what came
        self.acked = 0                     # h, of what it sent
        self.session = 0
        self.synced = False
        self.last = None                   # the id up to which nothing is missing
        self.newer = []                    # delivered while the archive is asked
        self.tasks = []                    # of the session
        self.requests = 0
        self.since_ask = 0

    # --- The connection -----------------------------------------------------

    async def live(self):
        """Until it is cancelled."""
        try:
            while True:
                try:
                    await self.be_connected()
                except Lost as lost:
                    self.world.note_lost(self, str(lost))
                self.ready.clear()
                if self.connection:
                    self.connection.cut()
                    self.connection = None
                await asyncio.sleep(self.rng.uniform(0.02, 0.1))
                await self.maybe_stay_away()
        finally:
            self.end_session()
            if self.connection:
                self.connection.cut()

    async def maybe_stay_away(self):
        if self.habits.leaves and not self.world.ending and self.rng.random() < 0.3:
            self.world.ledger.counts['times away'] += 1
            await self.world.sleep(self.rng.uniform(0.2, 2))

    async def be_connected(self):
        self.connection = None
        connection = await Connection.open(*self.world.address)
        self.connection = connection
        domain = self.account.partition('@')[2]
        await connection.open_stream(domain)
        await self.authenticate()
        await connection.open_stream(domain)
        if not await self.resume():
            await self.begin_session()
        self.ready.set()
        talker = asyncio.create_task(self.talk())
        trouble = asyncio.create_task(self.have_trouble())
        try:
            while True:
                self.take(await connection.next())
        finally:
            talker.cancel()
            trouble.cancel()

    async def authenticate(self):
        c = self.connection
        exchange = sasl.start('SCRAM-SHA-1', self.account.partition('@')[0], self.password, tls=None)
        c.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{sasl.b64(exchange.first)}</auth>")
        while True:
            answer = await c.step()
            if answer.name == (SASL, 'success'):
                exchange.finish(base64.b64decode(answer.text()))
                return
            if answer.name != (SASL, 'challenge'):
                raise Lost('login refused: ' + ' '.join(e.local for e in answer.elements()))
            reply = exchange.respond(base64.b64decode(answer.text()))
            c.send(f"<response xmlns='{SASL}'>{sasl.b64(reply)}</response>")

    async def have_trouble(self):
        """Its network fails, or it leaves in an orderly way."""
        while True:
            await asyncio.sleep(self.rng.uniform(0.5, 4))
            if self.world.ending:
                return
            if self.habits.cuts and self.rng.random() < 0.5:
                self.world.ledger.counts['connections cut'] += 1
                self.connection.cut()
            elif self.habits.leaves and self.rng.random() < 0.5:
                await self.leave()

    async def leave(self):
        """Once all is acknowledged: what is sent again later would be a new message."""
        self.ready.clear()
        for _ in range(100):
            if not self.unacked and not self.again:
                break
            self.ask_ack()
            await asyncio.sleep(0.05)
        if self.unacked or self.again:
            self.connection.cut()
            return
        self.world.ledger.counts['times left'] += 1
        self.resume_id = None
        self.send_stanza("<presence type='unavailable'/>")
        self.connection.send('</stream:stream>')

    # --- The session ---------------------------------------------------------

    async def resume(self):
        """false: a session must begin."""
        if not self.resume_id:
            return False
        c = self.connection
        c.send(f"<resume xmlns='{SM}' h='{self.received % 2**32}' previd='{self.resume_id}'/>")
        answer = await c.step()
        if answer.name == (SM, 'resumed'):
            self.take_ack(answer.get('h'))
            self.world.ledger.counts['resumed'] += 1
            self.view.note(f'session {self.session} is resumed')
            for text, message in list(self.unacked):
                self.note_sent(message)
                c.send(text)
            self.ask_ack()
            return True
        if answer.name != (SM, 'failed'):
            raise Lost(f'neither resumed nor failed: {show(answer)}')
        self.world.ledger.counts['not resumed'] += 1
        if answer.get('h') is not None:
            self.take_ack(answer.get('h'))
        self.resume_id = None
        return False

    def end_session(self):
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()
        for future in self.asked.values():
            future.cancel()
        self.asked.clear()
        # What came back as an error is done with, acknowledged or not.
        left = [message for _, message in self.unacked if message and not message.refused]
        self.again.extendleft(reversed(left))
        self.unacked.clear()

    async def begin_session(self):
        self.end_session()
        c, resource = self.connection, self.name
        c.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{resource}</resource></bind></iq>")
        answer = await c.step()
        if answer.get('type') != 'result':
            raise Lost(f'not bound: {show(answer)}')
        c.send(f"<enable xmlns='{SM}'" + (" resume='true'/>" if self.habits.resumes else '/>'))
        while True:
            answer = await c.step()
            if answer.name == (SM, 'enabled'):
                break
            if not answer.is_stanza():
                raise Lost(f'stream management was not enabled: {show(answer)}')
            self.take(answer)
        self.resume_id = answer.get('id') if answer.get('resume') in ('true', '1') else None
        self.received = self.acked = 0
        self.session += 1
        self.world.ledger.counts['sessions'] += 1
        self.view.note(f'session {self.session} begins')
        self.synced = False
        self.newer = []
        self.tasks = [asyncio.create_task(self.go_online())]

    async def go_online(self):
        if self.habits.copies:
            await self.ask('set', f"<enable xmlns='{CARBONS}'/>")
        if self.habits.syncs and not self.habits.early:
            await self.sync()  # so that nothing is delivered that is in the archive (XEP-0313 6.1.1)
        self.send_stanza('<presence/>')
        self.view.note('is available')
        if self.habits.syncs:
            await self.sync()  # what came before it was available
        self.synced = True

    # --- The archive ------------------------------------------------------------

    async def sync(self):
        """Everything after the last id."""
        self.view.note(f'asks for what came after {self.last}')
        results = self.last
        while True:
            fin = await self.page(results)
            if fin is None:
                results = self.last
                await asyncio.sleep(0.2)
                continue
            rsm = fin.find(RSM, 'set')
            last = rsm.find(RSM, 'last') if rsm else None
            if last is not None:
                results = last.text()
            if fin.get('complete') == 'true':
                break
            if last is None:
                self.view.wrong.append(f'a page that is not complete has no last id: {show(fin)}')
                return
        # What was delivered meanwhile and is not in the pages is newer than they are.
        newer = [stanza_id for stanza_id in self.newer if stanza_id not in self.paged]
        self.view.note(f'has all up to {results}, and delivered {self.newer}')
        self.last = newer[-1] if newer else results
        self.world.ledger.counts['syncs'] += 1

    async def page(self, after):
        """<fin/>, or None: try again."""
        if after == self.last:
            self.paged = set()
        after = f'<after>{after}</after>' if after else ''
        answer = await self.ask('set', f"<query xmlns='{MAM}' queryid='sync'><set xmlns='{RSM}'><max>{PAGE}</max>"
                                       f"{after}</set></query>")
        fin = answer.find(MAM, 'fin')
        if fin is None:
            condition = ' '.join(e.local for e in answer.elements() for e in e.elements())
            if 'item-not-found' in condition:
                self.view.wrong.append(f'the archive does not know the id {after}, which it showed')
                self.last = None  # from the beginning
            self.world.ledger.counts['pages refused'] += 1
        return fin

    def take_result(self, result):
        stanza_id, forwarded = result.get('id'), result.find(FORWARD, 'forwarded')
        inner = forwarded.find(CLIENT, 'message') if forwarded else None
        if inner is None or not stanza_id:
            self.view.wrong.append(f'a result without id or message: {show(result)}')
        elif result.get('queryid') == 'sync':
            self.paged.add(stanza_id)
            self.view.see(inner.get('id'), stanza_id, ARCHIVE, self.session, self.synced)

    # --- What comes ---------------------------------------------------------------

    def take(self, element):
        if element.ns == SM:
            if element.local == 'r':
                self.send_ack()
            elif element.local == 'a':
                self.take_ack(element.get('h'))
            return
        if not element.is_stanza():
            return
        self.received += 1
        if element.local == 'iq':
            self.take_iq(element)
        elif element.local == 'message':
            self.take_message(element)
        else:
            self.world.take_presence(self, element)
        if self.habits.ack_alone and self.received % 7 == 0:
            self.send_ack()

    def take_iq(self, iq):
        if iq.get('type') in ('result', 'error'):
            future = self.asked.pop(iq.get('id'), None)
            if future and not future.done():
                future.set_result(iq)
        elif iq.find(PING, 'ping') is not None:
            to = f" to='{iq.get('from')}'" if iq.get('from') else ''
            self.send_stanza(f"<iq type='result' id='{iq.get('id')}'{to}/>")
        else:
            self.send_stanza(f"<iq type='error' id='{iq.get('id')}' to='{iq.get('from', self.account)}'>"
                             "<error type='cancel'><service-unavailable "
                             "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")

    def take_message(self, message):
        if message.get('type') == 'error':
            if not any(e.ns == CARBONS for e in message.elements()):
                self.take_refusal(message)
            return
        result = message.find(MAM, 'result')
        if result is not None:
            self.take_result(result)
            return
        for kind, how in (('sent', SENT_COPY), ('received', RECEIVED_COPY)):
            copy = message.find(CARBONS, kind)
            if copy is not None:
                forwarded = copy.find(FORWARD, 'forwarded')
                self.take_delivery(forwarded.find(CLIENT, 'message'), how)
                return
        delay = message.find(DELAY, 'delay')
        server = self.account.partition('@')[2]
        if delay is None:
            self.take_delivery(message, LIVE)
        else:
            # To what has its sender's stamp, since it was sent again, the server adds none.
            self.take_delivery(message, OFFLINE if delay.get('from') in (server, self.account) else AGAIN)

    def take_refusal(self, message):
        error = message.find(CLIENT, 'error')
        sent = self.world.ledger.messages.get(message.get('id'))
        if sent is None or sent.sender != self.name:
            self.view.wrong.append(f'an error about something that it did not send: {show(message)}')
            return
        sent.refused = ' '.join(e.local for e in error.elements()) if error else 'error'
        self.world.ledger.counts['refused'] += 1

    def take_delivery(self, message, how):
        ids = [e.get('id') for e in message.elements() if e.name == (SID, 'stanza-id') and e.get('by') == self.account]
        if len(ids) != 1:
            self.view.wrong.append(f'{how}: {message.get("id")} has {len(ids)} stanza-ids by {self.account}')
            return
        new = self.view.see(message.get('id'), ids[0], how, self.session, self.synced)
        if not new:
            self.world.ledger.counts['seen again'] += 1
        elif self.synced:
            self.last = ids[0]
        else:
            self.newer.append(ids[0])

    # --- What goes ------------------------------------------------------------------

    def send_stanza(self, text, message=None):
        self.unacked.append((text, message))
        self.note_sent(message)
        if self.connection:
            self.connection.send(text)

    @staticmethod
    def note_sent(message):
        if message:
            message.sent.append(time.monotonic_ns())

    async def ask(self, kind, payload):
        self.requests += 1
        ident = f'q{self.session}-{self.requests}'
        future = asyncio.get_running_loop().create_future()
        self.asked[ident] = future
        self.send_stanza(f"<iq type='{kind}' id='{ident}'>{payload}</iq>")
        return await future

    def send_ack(self):
        if self.connection:
            self.connection.send(f"<a xmlns='{SM}' h='{self.received % 2**32}'/>")

    def ask_ack(self):
        self.since_ask = 0
        if self.connection and self.unacked:
            self.connection.send(f"<r xmlns='{SM}'/>")

    def take_ack(self, text):
        count = (int(text) - self.acked) % 2**32
        if count > len(self.unacked):
            self.view.wrong.append(f'h={text} is more than was sent ({self.acked} + {len(self.unacked)})')
            return
        self.acked = int(text)
        for _ in range(count):
            _, message = self.unacked.popleft()
            if message and not message.acked:
                message.acked = time.monotonic_ns()

    async def talk(self):
        """As long as it is connected: first what must be sent again, then new messages."""
        while self.again:
            message = self.again.popleft()
            self.world.ledger.counts['sent again'] += 1
            stamp = f"<delay xmlns='{DELAY}' stamp='2026-01-01T00:00:00Z'/>" if self.habits.stamps else ''
            self.send_stanza(message.text.replace('</message>', f'{stamp}</message>'), message)
        self.ask_ack()
        while True:
            await asyncio.sleep(self.habits.pause * self.rng.uniform(0.2, 1.8))
            if self.world.ending or not self.habits.talks:
                await asyncio.sleep(0.2)
                self.ask_ack()
            elif self.ready.is_set() and len(self.unacked) < UNACKED_MAX:
                self.say_something()
            else:
                self.ask_ack()

    def say_something(self):
        for _ in range(self.rng.choice([1, 1, 1, 2, 5])):
            to = self.world.choose_addressee(self)
            self.number += 1
            ident = f'{self.name}-{self.number}'
            message = Message(ident, self.name, self.account, to.partition('/')[0], self.number)
            origin = f"<origin-id xmlns='{SID}' id='{ident}'/>" if self.habits.origin_ids else ''
            filler = 'x' * self.rng.choice([0, 10, 50, 200, 200, 3000])
            message.text = (f"<message to='{to}' type='chat' id='{ident}'><body>{ident} {filler}</body>"
                            f"{origin}</message>")
            self.world.ledger.messages[ident] = message
            self.send_stanza(message.text, message)
            self.since_ask += 1
            if self.since_ask >= self.habits.ask_every:
                self.ask_ack()
