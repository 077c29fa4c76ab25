# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Steps about connections, streams and authentication."""

import base64

from .client import Failure
from .script import ClientSpec, ScriptError, unescape
from .step import indent, step
from .tree import SASL, SM, STREAM_ERRORS, STREAMS, show


class ConnectionSteps:
    @step(r'(?P<name>\S+) connects(?: as far as (?P<level>[\w-]+))?')
    def connects(self, this, name, level=None):
        client = self.client(name)
        if level is None:
            level = client.usual_level() if client.spec.level == 'absent' else client.spec.level
        if level not in ClientSpec.LEVELS:
            raise ScriptError(f'a client cannot connect as far as {level}')
        client.advance_to(level)

    @step(r'(?P<name>\S+) drops(?P<sleeps> and hibernates)?')
    def drops(self, this, name, sleeps=None):
        self.client(name).cut()
        if sleeps:
            self.hibernates(this, name)

    @step(r'(?P<name>\S+) resumes (?P<previd>\S+) h=(?P<h>\d+)(?: answered h=(?P<handled>\d+))?')
    def resumes(self, this, name, previd, h, handled=None):
        """XEP-0198 5, on a new connection."""
        client, previd = self.client(name), self.fill(previd)
        client.advance_to('authenticated')
        client.send(f"<resume xmlns='{SM}' previd='{previd}' h='{h}'/>")
        answer = client.next_element('<resumed/>')
        if answer.name != (SM, 'resumed') or answer.get('previd') != previd:
            raise Failure(f'{name} could not resume:\n{indent(show(answer))}')
        if handled is not None and answer.get('h') != handled:
            raise Failure(f'{name}: the server has handled {answer.get("h")}, not {handled}')

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

    @step(r'(?P<name>\S+) is challenged(?: with (?P<mechanism>[A-Z][\w-]*))?(?P<options>(?: \w+=\S*)*)')
    def is_challenged(self, this, name, mechanism, options):
        """The first half of an exchange."""
        client = self.client(name)
        exchange = client.begin_authentication(mechanism, **self.sasl_options(options))
        client.half = exchange, client.next_element('a challenge')

    @step(r'(?P<name>\S+) responds')
    def responds(self, this, name):
        """The second half, but for what the server says to it."""
        client = self.client(name)
        client.respond(*client.half)

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
        while True:
            kind, value = client.next_event(f'stream error {condition}')
            if kind in ('end', 'eof') or (kind == 'element' and value.name == (STREAMS, 'error')):
                break
        client.events.appendleft((kind, value))
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
