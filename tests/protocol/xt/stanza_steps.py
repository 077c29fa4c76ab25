# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Steps about stanzas: what is sent and what must arrive."""

from .client import Failure
from .match import Mismatch, match
from .script import ScriptError, unescape
from .step import indent, step
from .tree import CLIENT, STANZA_ERRORS, WILD, Element, show

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


class StanzaSteps:
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

    @step(r'(?P<name>\S+) gets of type (?P<kind>\w+)')
    def gets_of_type(self, this, name, kind):
        """Of all that has come, exactly these have the type; the rest is forgotten."""
        client = self.client(name)
        self.drain()
        client.read_all()
        got = [value for event, value in client.events if event == 'element' and value.get('type') == kind]
        self.forget(client)
        patterns = self.patterns(this.body)
        if len(got) != len(patterns):
            raise Failure(f'{name} should get {len(patterns)} of type {kind}, but got {len(got)}\n'
                          + '\n'.join(indent(show(each)) for each in got))
        for pattern, each in zip(patterns, got):
            self.compare(client, pattern, each)

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
        self.drain()
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
        self.drain()
        for client in chosen:
            client.read_all()
            if client.events:
                raise Failure(f'{client.name} should get nothing, but got\n{indent(self.first_event(client))}')

    @step(r'(?P<name>\S+) is answered alike by (?P<addresses>.+)')
    def answered_alike(self, this, name, addresses):
        """Sends the body to each address as {to}: the answers must not tell them apart."""
        client, answers = self.client(name), []
        for address in self.fill(addresses).split(' and '):
            self.gets_nothing(this, name)
            client.send(self.fill(this.body.replace('{to}', address)))
            self.drain()
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
        self.drain()
        for client in self.clients.values() if name == 'everybody' else [self.client(name)]:
            self.forget(client)

    @staticmethod
    def forget(client):
        client.read_all()
        while client.events and client.events[0][0] == 'element':
            client.events.popleft()
