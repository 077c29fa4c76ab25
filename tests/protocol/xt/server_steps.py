# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Steps about the relations between accounts and about the server itself."""

import collections
import re
import time

from .client import Failure
from .control import Refused
from .match import Mismatch, match_text
from .script import ScriptError, read_config
from .server import sanitized
from .step import step

UNITS_MS = {'ms': 1, 's': 1000, 'min': 60_000, 'h': 3_600_000, 'days': 86_400_000, 'day': 86_400_000}

# RFC 6121 A.1: what user (u) and contact (c) send, from the state "None" on.
SUBSCRIPTION_STATES = {
    'None': '',
    'None + Pending Out': 'u subscribe',
    'None + Pending In': 'c subscribe',
    'None + Pending Out+In': 'u subscribe, c subscribe',
    'To': 'u subscribe, c subscribed',
    'To + Pending In': 'u subscribe, c subscribed, c subscribe',
    'From': 'c subscribe, u subscribed',
    'From + Pending Out': 'c subscribe, u subscribed, u subscribe',
    'Both': 'u subscribe, c subscribed, c subscribe, u subscribed',
}


class RelationSteps:
    @step(r'befriend (?P<one>\S+) (?P<other>\S+)')
    def befriend(self, this, one, other):
        """Both see each other's presence."""
        self.subscribe(this, one, other)
        self.subscribe(this, other, one)

    @step(r'subscribe (?P<one>\S+) to (?P<other>\S+)')
    def subscribe(self, this, one, other):
        """One sees the other's presence.  What that sends to anyone is forgotten."""
        asking, asked = self.client(one), self.client(other)
        asking.send(f"<presence type='subscribe' to='{asked.bare}'/>")
        self.drain()
        asked.send(f"<presence type='subscribed' to='{asking.bare}'/>")
        self.drain()
        for client in self.clients.values():
            if client.bare in (asking.bare, asked.bare):
                self.forget(client)

    @step(r'(?P<name>\S+) reaches "(?P<state>[^"]+)" with (?P<contact>\S+)')
    def reaches(self, this, name, state, contact):
        """From "None".  A contact that is no client but an address is played by injected
        stanzas.  What all this sends to anyone is forgotten."""
        if state not in SUBSCRIPTION_STATES:
            raise ScriptError(f'RFC 6121 A.1 knows no state "{state}"')
        user, other = self.client(name), self.clients.get(contact)
        address = other.bare if other else self.fill(contact)
        for action in filter(None, SUBSCRIPTION_STATES[state].split(', ')):
            who, kind = action.split()
            if who == 'u':
                user.send(f"<presence type='{kind}' to='{address}'/>")
            elif other:
                other.send(f"<presence type='{kind}' to='{user.bare}'/>")
            else:
                self.server.inject(f"<presence type='{kind}' from='{address}' to='{user.bare}'/>")
            self.drain()
        for client in self.clients.values():
            if client.bare in (user.bare, address):
                self.forget(client)


class ServerSteps:
    @step(r'admin (?P<command>.+?)(?: (?P<how>fails|in any order|gives nothing))?')
    def admin(self, this, command, how):
        error, rows = self.server.admin(self.fill(command))
        if how == 'fails':
            if error is None:
                raise Failure(f'"{command}" did not fail')
            if this.body:
                self.compare_line(this.body, error)
            return
        if error is not None:
            raise Failure(f'"{command}" failed: {error}')
        wanted = [line for line in this.body_lines if line.strip()]
        if not wanted and how != 'gives nothing':
            return
        if len(wanted) != len(rows):
            raise Failure(f'{len(wanted)} rows are expected, {len(rows)} came:\n' + '\n'.join(map(str, rows)))
        for line in wanted:
            self.compare_row(line, rows.pop(0)) if how is None else self.take_row(line, rows)

    def take_row(self, line, rows):
        for row in rows:
            try:
                self.compare_row(line, row)
            except Failure:
                continue
            rows.remove(row)
            return
        raise Failure(f'no row is like {line}:\n' + '\n'.join(map(str, rows)))

    def compare_row(self, line, row):
        """field=value pairs, values with spaces in quotes; fields not named do not matter."""
        for key, quoted, plain in re.findall(r'([\w-]+)=(?:"([^"]*)"|(\S*))', line):
            if key not in row:
                raise Failure(f'field {key} is missing in {row}')
            self.compare_line(quoted or plain, as_text(row[key]))

    def compare_line(self, pattern, actual):
        known = self.known_names()
        try:
            after = match_text(pattern, actual, known, 'admin')
        except Mismatch as error:
            raise Failure(str(error)) from None
        self.names.update({k: v for k, v in after.items() if k not in known})

    @step(r'advance (?P<count>\d+) ?(?P<unit>ms|s|min|h|days?)')
    def advance(self, this, count, unit):
        self.server.advance(int(count) * UNITS_MS[unit])
        self.drain()
        # Who is asked whether it lives has to answer before the clock moves again.
        self.read_everybody()
        self.drain()

    @step(r'(?P<name>\S+) hibernates')
    def hibernates(self, this, name):
        """The server has noticed that the connection of this session is gone (XEP-0198 5)."""
        client = self.client(name)
        deadline = time.monotonic() + client.timeout
        while time.monotonic() < deadline:
            _, rows = self.server.admin('session list')
            if any(row['jid'] == client.full and row['sm'] == 'hibernates' for row in rows):
                self.drain()
                return
            time.sleep(0.01)
        raise Failure(f'{client.full} does not hibernate:\n' + '\n'.join(map(str, rows)))

    @step(r'inject')
    def inject(self, this):
        """A stanza that comes from a remote server, so to speak."""
        self.server.inject(self.fill(this.body))

    @step(r'restart server')
    def restart_server(self, this):
        self.server.stop(self.read_everybody)
        self.close()
        self.server.start()

    @step(r'stop server')
    def stop_server(self, this):
        """What the clients got at the end can still be looked at."""
        self.server.stop(self.read_everybody)

    @step(r'kill server')
    def kill_server(self, this):
        self.server.kill()
        self.close()

    @step(r'server dies')
    def server_dies(self, this):
        """At a failpoint. What the clients had got until then can still be looked at."""
        self.server.dies()
        for client in self.clients.values():
            client.read_all()
            client.events = collections.deque(event for event in client.events if event[0] != 'eof')

    @step(r'failpoint (?P<name>\S+) (?P<action>fail|kill|wait|off)(?: after (?P<after>\d+))?')
    def failpoint(self, this, name, action, after):
        self.server.failpoint(name, action, int(after or 0))

    @step(r'start server')
    def start_server(self, this):
        self.server.start()

    @step(r'reload config(?P<fails> fails)?')
    def reload_config(self, this, fails):
        """A body holds steps "config" and "server config", which replace the script's."""
        before = self.server.settings, list(self.server.hosts)
        if this.body:
            self.server.settings = read_config(this.steps())
            self.server.hosts += [key for key in self.server.settings if key and key not in self.server.hosts]
        try:
            self.server.reload()
        except Refused:
            if not fails:
                raise
            self.server.settings, self.server.hosts = before
            return
        if fails:
            raise Failure('the server accepted this configuration')

    @step(r'note memory')
    def note_memory(self, this):
        self.drain()
        self.memory = self.server.memory()

    @step(r'memory grew at most (?P<count>\d+) (?P<unit>KiB|MiB)')
    def memory_grew(self, this, count, unit):
        """Not looked at under sanitizers."""
        self.drain()
        grown = self.server.memory() - self.memory
        if grown > int(count) << (10 if unit == 'KiB' else 20) and not sanitized(self.server.argv()[0]):
            raise Failure(f'memory grew by {grown >> 10} KiB')

    @step(r'expect log "(?P<text>[^"]+)"')
    def expect_log(self, this, text):
        text = self.fill(text)
        self.announced.append(text)
        self.server.wait_for_log(text)


def as_text(value):
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return ' '.join(value) if isinstance(value, list) else str(value)
