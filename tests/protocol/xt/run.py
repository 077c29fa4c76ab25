# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Carries out the steps of one script against one server."""

import base64
import re
import time

from .client import Client, Failure
from .connection_steps import ConnectionSteps
from .kernel import settle
from .peer_steps import Peer, PeerSteps
from .match import PLACEHOLDER, Mismatch, match
from .script import ScriptError, expand_row, fill_row, read_clients, read_table, unescape
from .server_steps import RelationSteps, ServerSteps
from .stanza_steps import StanzaSteps
from .step import STEPS, indent, step
from .tree import BadXml, Element, parse_fragment, show


class RowFailures(Failure):
    """Several rows of a table failed; the message has each with its place."""


class Run(ConnectionSteps, PeerSteps, StanzaSteps, RelationSteps, ServerSteps):
    def __init__(self, script, server, timeout):
        self.script = script
        self.server = server
        self.timeout = timeout
        self.clients = {}
        self.accounts = set()  # bare JIDs of those that were made
        self.names = {}   # captured by {name}
        self.tables = {}
        self.pieces = {}  # of text, from "let"
        self.row = {}     # of the innermost loop
        self.row_began = 0
        self.announced = []
        self.rows = 0     # of tables that were run
        self.current = None

    # --- running -------------------------------------------------------------

    def execute(self):
        self.run_steps(self.script.steps)
        self.current = None
        self.finish()

    def run_steps(self, steps):
        for each in steps:
            self.current = each
            for pattern, method in STEPS:
                found = pattern.fullmatch(each.text)
                if found:
                    method(self, each, **found.groupdict())
                    break
            else:
                raise ScriptError(f'no such step: {each.text}')

    def finish(self):
        """What nobody expected must not have come."""
        if not self.server.running():
            return
        self.drain()
        for client in self.clients.values():
            client.read_all()
            if client.events:
                raise Failure(f'{client.name} got more than the script expects:\n{self.first_event(client)}')

    @staticmethod
    def first_event(client):
        kind, value = client.events[0]
        return show(value) if isinstance(value, Element) else {'end': '</stream:stream>', 'eof': 'end of connection'}[kind]

    def close(self):
        for client in self.clients.values():
            client.cut()

    def drain(self):
        """Everything sent has arrived, has been worked on, and what came of it has arrived."""
        clients = [client for client in self.clients.values() if client.socket]
        sockets = [client.socket for client in clients]
        unread = [client.socket for client in clients if 'buffer' in client.spec.settings]
        settle(sockets, unread)
        # What one server has sent may still be on its way to the other when that is drained.
        for _ in range(3 if self.server.far else 1):
            self.server.drain()
            if self.server.far and self.server.far.running():
                self.server.far.drain()
        settle(sockets, unread)

    def read_everybody(self):
        for client in self.clients.values():
            client.read_all()

    def transcripts(self, error=''):
        """Of the client that the error is about, else of those that the failing step names,
        else of all; of this row only."""
        text = self.current.text if self.current else ''
        seen = [c for c in self.clients.values() if c.transcript and c.transcript[-1][0] >= self.row_began]
        about = [c for c in seen if re.match(rf'{re.escape(c.name)}\b', str(error))] \
            or [c for c in seen if re.search(rf'\b{re.escape(c.name)}\b', text)] or seen
        return '\n'.join(f'  what {c.name} saw:\n{c.transcript_text(self.row_began)}' for c in about)

    # --- names and text ------------------------------------------------------

    def known_names(self):
        names = {host: host for host in self.server.hosts}
        for client in self.clients.values():
            names.update({f'{client.name}.bare': client.bare, f'{client.name}.full': client.full,
                          f'{client.name}.user': client.spec.user, f'{client.name}.domain': client.spec.domain,
                          f'{client.name}.resource': client.resource, f'{client.name}.password': client.password})
            if isinstance(client, Peer):
                names[f'{client.name}.id'] = client.stream_id
        names.update(self.names)
        return names

    def fill(self, text):
        """Text to send, with names and {base64:...} replaced."""
        text = self.put_pieces(text)
        names = self.known_names()

        def name(found):
            if found[1] not in names:
                raise ScriptError(f'{{{found[1]}}} is not known here')
            return names[found[1]]

        text = PLACEHOLDER.sub(name, text)
        return re.sub(r'\{base64:([^}]*)\}', lambda m: base64.b64encode(unescape(m[1])).decode(), text)

    def put_pieces(self, text):
        def piece(found):
            if found[1] not in self.pieces:
                raise ScriptError(f'{found[1]} was not defined with "let"')
            return fill_row(self.pieces[found[1]], self.row)
        return re.sub(r'\{=(\w+)\}', piece, text)

    def patterns(self, body):
        """The expected elements.  A name with a dot must be known: a typing error there
        would otherwise capture anything."""
        body = self.put_pieces(body)
        names = self.known_names()
        for name in PLACEHOLDER.findall(body):
            if '.' in name and name not in names:
                raise ScriptError(f'{{{name}}} is not known here')
        try:
            return parse_fragment(body)
        except BadXml as error:
            raise ScriptError(f'the body is not well-formed: {error}') from None

    def pattern(self, body):
        found = self.patterns(body)
        if len(found) != 1:
            raise ScriptError(f'one element is expected here, not {len(found)}')
        return found[0]

    def compare(self, client, pattern, actual):
        known = self.known_names()
        try:
            after = match(pattern, actual, known, client.bare)
        except Mismatch as error:
            raise Failure(f'{error}\n  expected:\n{indent(show(pattern))}\n  got:\n{indent(show(actual))}') from None
        self.names.update({k: v for k, v in after.items() if k not in known})

    def client(self, name):
        if name not in self.clients:
            raise ScriptError(f'there is no client {name}')
        return self.clients[name]

    # --- the script itself ---------------------------------------------------

    @step(r'(server )?config( \S+)?|place .*|only sqlite: .*|far config')
    def configured(self, this, **_):
        """Read before the server starts."""

    @step(r'clients')
    def make_clients(self, this):
        """Accounts first, then connections in the order of the lines."""
        made = []
        for spec in read_clients(this):
            if spec.name in self.clients:
                self.clients[spec.name].cut()
            self.clients[spec.name] = client = \
                (Peer if spec.peer else Client)(spec, self.server.far if spec.far else self.server, self.timeout)
            if spec.account and spec.bare not in self.accounts:
                client.server.add_account(spec.bare, client.password)
                self.accounts.add(spec.bare)
            made.append(client)
        for client in made:
            client.advance_to(client.spec.level)
        if any(client.spec.level == 'online' for client in made):
            self.drain()
            for client in made:
                self.forget(client)

    @step(r'table (?P<name>.+)')
    def keep_table(self, this, name):
        self.tables[name] = read_table(this)

    @step(r'let (?P<name>\w+)')
    def let(self, this, name):
        """A piece of text that {=name} stands for."""
        self.pieces[name] = this.body

    @step(r'for each (?P<name>.+)')
    def loop(self, this, name):
        """A row that fails does not keep the others from being tried."""
        if name not in self.tables:
            raise ScriptError(f'there is no table {name}')
        failures = []
        for number, row in enumerate(self.tables[name], 1):
            kept = dict(self.names)
            self.rows += 1
            self.row = {**row, 'row': str(number)}
            self.row_began = time.monotonic()
            try:
                self.run_steps(expand_row(this, self.row))
            except Failure as error:
                label = next(iter(row.values()))
                failures.append(f'row {number} ({label}), line {self.current.line}: {self.current.text}\n'
                                f'{error}\n{self.transcripts(error)}')
                # A server that is gone or hangs would make all further rows wait.
                if not self.server.running() or sum('got nothing in' in each for each in failures) >= 3:
                    break
            self.names = kept
        self.row, self.row_began = {}, 0
        self.current = this
        if failures:
            shown = '\n'.join(failures[:10])
            raise RowFailures(f'{len(failures)} of {len(self.tables[name])} rows failed\n{shown}')

    @step(r'repeat (?P<times>\d+)')
    def repeat(self, this, times):
        for number in range(1, int(times) + 1):
            self.run_steps(expand_row(this, {'n': str(number)}))
