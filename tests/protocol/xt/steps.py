# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Carries out the steps of one script against one server."""

import base64
import re

from .client import Client, Failure
from .match import PLACEHOLDER, Mismatch, match, match_text
from .script import ClientSpec, ScriptError, expand_row, read_clients, read_table, unescape
from .tree import STREAM_ERRORS, STREAMS, BadXml, Element, parse_fragment, show

STEPS = []  # (regular expression, method), tried in this order
UNITS_MS = {'ms': 1, 's': 1000, 'min': 60_000, 'h': 3_600_000, 'days': 86_400_000, 'day': 86_400_000}


def step(pattern):
    def register(method):
        STEPS.append((re.compile(pattern), method))
        return method
    return register


class RowFailures(Failure):
    """Several rows of a table failed; the message has each with its place."""


class Run:
    def __init__(self, script, server, timeout):
        self.script = script
        self.server = server
        self.timeout = timeout
        self.clients = {}
        self.names = {}   # captured by {name}
        self.tables = {}
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
        self.server.drain()
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

    def read_everybody(self):
        for client in self.clients.values():
            client.read_all()

    def transcripts(self):
        """Of the clients that the failing step names, else of all."""
        text = self.current.text if self.current else ''
        named = [c for c in self.clients.values() if re.search(rf'\b{re.escape(c.name)}\b', text)]
        return '\n'.join(f'  what {c.name} saw:\n{c.transcript_text()}' for c in named or self.clients.values()
                         if c.transcript)

    # --- names and text ------------------------------------------------------

    def known_names(self):
        names = {host: host for host in self.server.hosts}
        for client in self.clients.values():
            names.update({f'{client.name}.bare': client.bare, f'{client.name}.full': client.full,
                          f'{client.name}.user': client.spec.user, f'{client.name}.domain': client.spec.domain,
                          f'{client.name}.resource': client.resource, f'{client.name}.password': client.password})
        names.update(self.names)
        return names

    def fill(self, text):
        """Text to send, with names and {base64:...} replaced."""
        names = self.known_names()

        def name(found):
            if found[1] not in names:
                raise ScriptError(f'{{{found[1]}}} is not known here')
            return names[found[1]]

        text = PLACEHOLDER.sub(name, text)
        return re.sub(r'\{base64:([^}]*)\}', lambda m: base64.b64encode(unescape(m[1])).decode(), text)

    def patterns(self, body):
        """The expected elements.  A name with a dot must be known: a typing error there
        would otherwise capture anything."""
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

    @step(r'config|place .*')
    def configured(self, this):
        """Read before the server starts."""

    @step(r'clients')
    def make_clients(self, this):
        """Accounts first, then connections in the order of the lines."""
        made = []
        for spec in read_clients(this):
            if spec.name in self.clients:
                self.clients[spec.name].cut()
            self.clients[spec.name] = client = Client(spec, self.server, self.timeout)
            if spec.account:
                self.server.add_account(spec.bare, client.password)
            made.append(client)
        for client in made:
            client.advance_to(client.spec.level)
        if any(client.spec.level == 'online' for client in made):
            self.server.drain()
            for client in made:
                self.forget(client)

    @step(r'table (?P<name>.+)')
    def keep_table(self, this, name):
        self.tables[name] = read_table(this)

    @step(r'for each (?P<name>.+)')
    def loop(self, this, name):
        """A row that fails does not keep the others from being tried."""
        if name not in self.tables:
            raise ScriptError(f'there is no table {name}')
        failures = []
        for number, row in enumerate(self.tables[name], 1):
            kept = dict(self.names)
            self.rows += 1
            try:
                self.run_steps(expand_row(this, {**row, 'row': str(number)}))
            except Failure as error:
                label = next(iter(row.values()))
                failures.append(f'row {number} ({label}), line {self.current.line}: {self.current.text}\n'
                                f'{error}\n{self.transcripts()}')
                if not self.server.running():
                    break
            self.names = kept
        self.current = this
        if failures:
            shown = '\n'.join(failures[:10])
            raise RowFailures(f'{len(failures)} of {len(self.tables[name])} rows failed\n{shown}')

    @step(r'repeat (?P<times>\d+)')
    def repeat(self, this, times):
        for number in range(1, int(times) + 1):
            self.run_steps(expand_row(this, {'n': str(number)}))

    # --- connections ---------------------------------------------------------

    @step(r'(?P<name>\S+) connects(?: as far as (?P<level>[\w-]+))?')
    def connects(self, this, name, level=None):
        client = self.client(name)
        if level is None:
            level = 'bound' if client.spec.level == 'absent' else client.spec.level
        if level not in ClientSpec.LEVELS:
            raise ScriptError(f'a client cannot connect as far as {level}')
        client.advance_to(level)

    @step(r'(?P<name>\S+) drops')
    def drops(self, this, name):
        self.client(name).cut()

    @step(r'(?P<name>\S+) closes')
    def closes(self, this, name):
        client = self.client(name)
        client.stream_open = False
        client.send('</stream:stream>')

    @step(r'(?P<name>\S+) is closed')
    def is_closed(self, this, name):
        client = self.client(name)
        kind, _ = client.next_event('</stream:stream>')
        if kind != 'end':
            client.events.appendleft((kind, _))
            raise Failure(f'{name} waits for </stream:stream>, but got {self.first_event(client)}')
        self.is_cut(this, name)

    @step(r'(?P<name>\S+) is cut')
    def is_cut(self, this, name):
        client = self.client(name)
        kind, value = client.next_event('the end of the connection')
        if kind != 'eof':
            client.events.appendleft((kind, value))
            raise Failure(f'{name} waits for the end of the connection, but got {self.first_event(client)}')
        client.cut()

    @step(r'(?P<name>\S+) opens stream')
    def opens_stream(self, this, name):
        self.client(name).open_stream()

    @step(r'(?P<name>\S+) sends header')
    def sends_header(self, this, name):
        client = self.client(name)
        client.restart_reader()
        client.stream_open = True
        client.send(self.fill(this.body) if this.body else client.header())

    @step(r'(?P<name>\S+) gets header')
    def gets_header(self, this, name):
        client = self.client(name)
        kind, value = client.next_event('a stream header')
        if kind != 'header':
            raise Failure(f'{name} waits for a stream header, but got {kind}')
        if this.body:
            self.compare(client, self.pattern(this.body), value)

    @step(r'(?P<name>\S+) sees features')
    def sees_features(self, this, name):
        client = self.client(name)
        if client.features is None:
            raise Failure(f'{name} has not got stream features')
        self.compare(client, self.pattern(this.body), client.features)

    @step(r'(?P<name>\S+) starts TLS')
    def starts_tls(self, this, name):
        self.client(name).start_tls()

    @step(r'(?P<name>\S+) secures')
    def secures(self, this, name):
        self.client(name).secure()

    @step(r'(?P<name>\S+) authenticates(?: with (?P<mechanism>[A-Z][\w-]*))?(?P<options>(?: \w+=\S*)*)')
    def authenticates(self, this, name, mechanism, options):
        self.client(name).authenticate(mechanism, **self.sasl_options(options))

    @step(r'(?P<name>\S+) fails to authenticate(?: with (?P<mechanism>[A-Z][\w-]*))?(?P<options>(?: \w+=\S*)*)')
    def fails_to_authenticate(self, this, name, mechanism, options):
        client = self.client(name)
        answer = client.try_authenticate(mechanism, **self.sasl_options(options))
        self.compare(client, self.pattern(this.body), answer)

    def sasl_options(self, text):
        options = {}
        for word in text.split():
            key, _, value = word.partition('=')
            if key not in ('user', 'password', 'binding', 'claim', 'data', 'authzid'):
                raise ScriptError(f'{key}= is not known here')
            options[key] = unescape(value) if key == 'data' else self.fill(value)
        return options

    @step(r'(?P<name>\S+) binds(?: (?P<resource>\S+))?')
    def binds(self, this, name, resource):
        self.client(name).bind(resource)

    @step(r'(?P<name>\S+) goes online')
    def goes_online(self, this, name):
        self.client(name).go_online(self.fill(this.body) or '<presence/>')

    # --- stanzas -------------------------------------------------------------

    @step(r'(?P<name>\S+) sends')
    def sends(self, this, name):
        self.client(name).send(self.fill(this.body))

    @step(r'(?P<name>\S+) sends bytes')
    def sends_bytes(self, this, name):
        self.client(name).send(unescape(self.fill(''.join(this.body_lines))))

    @step(r'(?P<name>\S+) gets')
    def gets(self, this, name):
        client = self.client(name)
        for pattern in self.patterns(this.body):
            self.compare(client, pattern, client.next_element(f'\n{indent(show(pattern))}'))

    @step(r'(?P<name>\S+) gets in any order')
    def gets_in_any_order(self, this, name):
        client = self.client(name)
        patterns = self.patterns(this.body)
        got = [client.next_element(f'one of {len(patterns)} stanzas') for _ in patterns]
        names = self.assign(client, patterns, got)
        if names is None:
            raise Failure('what came cannot be paired with what is expected\n  expected:\n'
                          + '\n'.join(indent(show(p)) for p in patterns)
                          + '\n  got:\n' + '\n'.join(indent(show(g)) for g in got))
        self.names.update(names)

    def assign(self, client, patterns, got, names=None):
        known = self.known_names()
        names = known if names is None else names
        if not patterns:
            return {k: v for k, v in names.items() if k not in known}
        for index, candidate in enumerate(got):
            try:
                taken = match(patterns[0], candidate, names, client.bare)
            except Mismatch:
                continue
            result = self.assign(client, patterns[1:], got[:index] + got[index + 1:], taken)
            if result is not None:
                return result
        return None

    @step(r'(?P<name>\S+) gets nothing')
    def gets_nothing(self, this, name):
        chosen = self.clients.values() if name == 'everybody' else [self.client(name)]
        self.server.drain()
        for client in chosen:
            client.read_all()
            if client.events:
                raise Failure(f'{client.name} should get nothing, but got\n{indent(self.first_event(client))}')

    @step(r'(?P<name>\S+) skips')
    def skips(self, this, name):
        """Forgets what came and was not looked at."""
        self.server.drain()
        for client in self.clients.values() if name == 'everybody' else [self.client(name)]:
            self.forget(client)

    @staticmethod
    def forget(client):
        client.read_all()
        while client.events and client.events[0][0] == 'element':
            client.events.popleft()

    @step(r'(?P<name>\S+) gets stream error(?: (?P<condition>[\w-]+))?')
    def gets_stream_error(self, this, name, condition):
        """Passes over the header and features that may stand before it."""
        client = self.client(name)
        while True:
            kind, value = client.next_event(f'stream error {condition or ""}')
            if kind == 'header' or (kind == 'element' and value.name == (STREAMS, 'features')):
                continue
            if kind != 'element':
                client.events.appendleft((kind, value))
                raise Failure(f'{name} waits for a stream error, but got {self.first_event(client)}')
            break
        if condition:
            found = value.name == (STREAMS, 'error') and value.find(STREAM_ERRORS, condition) is not None
            if not found:
                raise Failure(f'{name} waits for stream error {condition}, but got\n{indent(show(value))}')
        if this.body:
            self.compare(client, self.pattern(this.body), value)

    # --- relations between accounts ------------------------------------------

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
        self.server.drain()
        asked.send(f"<presence type='subscribed' to='{asking.bare}'/>")
        self.server.drain()
        for client in self.clients.values():
            if client.bare in (asking.bare, asked.bare):
                self.forget(client)

    # --- the server ----------------------------------------------------------

    @step(r'admin (?P<command>.+?)(?P<fails> fails)?')
    def admin(self, this, command, fails):
        error, rows = self.server.admin(self.fill(command))
        if fails:
            if error is None:
                raise Failure(f'"{command}" did not fail')
            if this.body:
                self.compare_line(this.body, error)
            return
        if error is not None:
            raise Failure(f'"{command}" failed: {error}')
        wanted = [line for line in this.body_lines if line.strip()]
        if len(wanted) != len(rows):
            raise Failure(f'{len(wanted)} rows are expected, {len(rows)} came:\n' + '\n'.join(map(str, rows)))
        for line, row in zip(wanted, rows):
            self.compare_row(line, row)

    def compare_row(self, line, row):
        """field=value pairs, values with spaces in quotes; fields not named do not matter."""
        for key, quoted, plain in re.findall(r'([\w-]+)=(?:"([^"]*)"|(\S*))', line):
            if key not in row:
                raise Failure(f'field {key} is missing in {row}')
            value = row[key]
            text = {True: 'true', False: 'false', None: ''}.get(value, str(value)) if not isinstance(value, str) else value
            self.compare_line(quoted or plain, text)

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
        self.server.drain()

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

    @step(r'start server')
    def start_server(self, this):
        self.server.start()

    @step(r'reload config')
    def reload_config(self, this):
        """A body replaces the script's configuration."""
        if this.body:
            self.server.settings = this.body
        self.server.reload()

    @step(r'expect log "(?P<text>[^"]+)"')
    def expect_log(self, this, text):
        text = self.fill(text)
        self.announced.append(text)
        self.server.wait_for_log(text)


def indent(text):
    return '\n'.join(f'    {line}' for line in text.splitlines())

