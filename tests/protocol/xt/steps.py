# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Carries out the steps of one script against one server."""

import base64
import re
import time

from .client import Client, Failure
from .match import PLACEHOLDER, Mismatch, match, match_text
from .script import (ClientSpec, ScriptError, expand_row, fill_row, read_clients, read_config,
                     read_table, unescape)
from .tree import CLIENT, SASL, STANZA_ERRORS, STREAM_ERRORS, STREAMS, WILD, BadXml, Element, parse_fragment, show

STEPS = []  # (regular expression, method), tried in this order
UNITS_MS = {'ms': 1, 's': 1000, 'min': 60_000, 'h': 3_600_000, 'days': 86_400_000, 'day': 86_400_000}

# RFC 6120 8.3.3: the types that go with each condition.
ERROR_TYPES = {
    'bad-request': ['modify'], 'conflict': ['cancel', 'modify'], 'feature-not-implemented': ['cancel', 'modify'],
    'forbidden': ['auth'], 'gone': ['cancel'], 'internal-server-error': ['cancel', 'wait'],
    'item-not-found': ['cancel'], 'jid-malformed': ['modify'], 'not-acceptable': ['modify'],
    'not-allowed': ['cancel'], 'not-authorized': ['auth'], 'policy-violation': ['modify', 'wait'],
    'recipient-unavailable': ['wait'], 'redirect': ['modify'], 'registration-required': ['auth'],
    'remote-server-not-found': ['cancel'], 'remote-server-timeout': ['wait'], 'resource-constraint': ['wait'],
    'service-unavailable': ['cancel'], 'subscription-required': ['auth'],
    'undefined-condition': ['auth', 'cancel', 'continue', 'modify', 'wait'], 'unexpected-request': ['wait', 'modify'],
}

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

    @step(r'(server )?config( \S+)?|place .*')
    def configured(self, this, **_):
        """Read before the server starts."""

    @step(r'clients')
    def make_clients(self, this):
        """Accounts first, then connections in the order of the lines."""
        made = []
        for spec in read_clients(this):
            if spec.name in self.clients:
                self.clients[spec.name].cut()
            self.clients[spec.name] = client = Client(spec, self.server, self.timeout)
            if spec.account and spec.bare not in self.accounts:
                self.server.add_account(spec.bare, client.password)
                self.accounts.add(spec.bare)
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
                if not self.server.running():
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

    @step(r'(?P<name>\S+) is rejected')
    def is_rejected(self, this, name):
        """The connection ends; what comes before it may not be XML and is not looked at."""
        self.client(name).wait_for_end()

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

    @step(r'(?P<name>\S+) gets(?: this)?')
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

    @step(r'(?P<name>\S+) gets nothing or this')
    def gets_nothing_or_this(self, this, name):
        """Where a specification leaves the choice."""
        client = self.client(name)
        self.server.drain()
        client.read_all()
        if client.events:
            self.gets(this, name)

    @step(r'(?P<name>\S+) gets error (?P<condition>[a-z-]+)')
    def gets_error(self, this, name, condition):
        """The body is the stanza without its <error/>, whose type RFC 6120 8.3.3 tells."""
        client = self.client(name)
        if condition not in ERROR_TYPES:
            raise ScriptError(f'RFC 6120 8.3.3 knows no {condition}')
        pattern = self.pattern(this.body)
        got = client.next_element(f'{condition} on\n{indent(show(pattern))}')
        kind = got.find(CLIENT, 'error').get('type') if got.find(CLIENT, 'error') else ''
        pattern.attrs[('', 'type')] = 'error'
        pattern.children += ['{...}', Element((CLIENT, 'error'), {
            ('', 'type'): kind if kind in ERROR_TYPES[condition] else ' or '.join(ERROR_TYPES[condition]),
            (WILD, 'any'): ''}, [Element((STANZA_ERRORS, condition), {}, ['{...}']), '{...}'])]
        self.compare(client, pattern, got)

    @step(r'(?P<one>\w+) differs from (?P<other>\w+)')
    def differs(self, this, one, other):
        for name in (one, other):
            if name not in self.names:
                raise ScriptError(f'{{{name}}} was not captured')
        if self.names[one] == self.names[other]:
            raise Failure(f'{{{one}}} and {{{other}}} are both {self.names[one]!r}')

    @step(r'(?P<name>\S+) gets nothing')
    def gets_nothing(self, this, name):
        chosen = self.clients.values() if name == 'everybody' else [self.client(name)]
        self.server.drain()
        for client in chosen:
            client.read_all()
            if client.events:
                raise Failure(f'{client.name} should get nothing, but got\n{indent(self.first_event(client))}')

    @step(r'(?P<name>\S+) is answered alike by (?P<addresses>.+)')
    def answered_alike(self, this, name, addresses):
        """Sends the body to each address as {to}: the answers must not tell them apart."""
        client, answers = self.client(name), []
        for address in addresses.split(' and '):
            self.gets_nothing(this, name)
            client.send(self.fill(this.body.replace('{to}', self.fill(address))))
            self.server.drain()
            client.read_all()
            answers.append('\n'.join(show(value) if kind == 'element' else kind
                                     for kind, value in client.events).replace(address, '{to}'))
            client.events.clear()
        for answer in answers[1:]:
            if answer != answers[0]:
                raise Failure(f'the first was answered\n{indent(answers[0])}\nand another\n{indent(answer)}')

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

    @step(r'(?P<name>\S+) gets stream error(?: (?P<condition>[\w-]+(?: or [\w-]+)*))?')
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
            if value.name != (STREAMS, 'error') or not any(value.find(STREAM_ERRORS, c)
                                                           for c in condition.split(' or ')):
                raise Failure(f'{name} waits for stream error {condition}, but got\n{indent(show(value))}')
        if this.body:
            self.compare(client, self.pattern(this.body), value)

    @step(r'(?P<name>\S+) gets end of stream(?: (?P<condition>[\w-]+(?: or [\w-]+)*))?')
    def gets_end_of_stream(self, this, name, condition):
        """The stream error, if one is named, and the end of both."""
        if condition:
            self.gets_stream_error(this, name, condition)
        self.is_closed(this, name)

    @step(r'(?P<name>\S+) ends with (?P<condition>[\w-]+(?: or [\w-]+)*)')
    def ends_with(self, this, name, condition):
        """Whatever comes, the stream error comes in the end."""
        client = self.client(name)
        error = client.wait_for(lambda e: e.name == (STREAMS, 'error'), f'stream error {condition}', keep=False)
        client.events.appendleft(('element', error))
        self.gets_end_of_stream(this, name, condition)

    @step(r'(?P<name>\S+) gets SASL failure (?P<condition>[\w-]+(?: or [\w-]+)*)')
    def gets_sasl_failure(self, this, name, condition):
        got = self.client(name).next_element('<failure/>')
        if got.name != (SASL, 'failure') or not any(got.find(SASL, c) for c in condition.split(' or ')):
            raise Failure(f'{name} waits for SASL failure {condition}, but got\n{indent(show(got))}')

    @step(r'(?P<name>\S+) is challenged twice with the same salt')
    def same_salt(self, this, name):
        client, salts = self.client(name), []
        for _ in range(2):
            client.advance_to('secured')
            first = base64.b64encode(f'n,,n={client.spec.user},r=abcdefgh'.encode()).decode()
            client.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{first}</auth>")
            challenge = base64.b64decode(client.next_element('<challenge/>').text()).decode()
            salts.append([field for field in challenge.split(',') if field[:2] in ('s=', 'i=')])
        if salts[0] != salts[1]:
            raise Failure(f'{name} was challenged with {salts[0]}, then with {salts[1]}')

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
            self.server.drain()
        for client in self.clients.values():
            if client.bare in (user.bare, address):
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
        """A body holds steps "config" and "server config", which replace the script's."""
        if this.body:
            self.server.settings = read_config(this.steps())
        self.server.reload()

    @step(r'expect log "(?P<text>[^"]+)"')
    def expect_log(self, this, text):
        text = self.fill(text)
        self.announced.append(text)
        self.server.wait_for_log(text)


def indent(text):
    return '\n'.join(f'    {line}' for line in text.splitlines())

