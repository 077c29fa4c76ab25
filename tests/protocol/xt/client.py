# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""One client of a script: a connection, what it got and a transcript of both ways.
Nothing runs in the background: bytes are read when a step asks for them."""

import base64
import collections
import secrets
import socket
import ssl
import time

from . import sasl
from .tree import (BIND, CLIENT, PING, ROSTER, SASL, STREAMS, TLS, BadXml, StreamReader, show)


class Failure(Exception):
    """The server did not do what the script expects."""


def quote(text):
    return text.replace('&', '&amp;').replace('<', '&lt;').replace("'", '&apos;')


class Client:
    def __init__(self, spec, server, timeout):
        self.spec = spec
        self.name = spec.name
        self.server = server
        self.timeout = timeout
        self.password = spec.settings.get('password', f'pass-{spec.user}')
        self.full = spec.jid
        self.transcript = []
        self.socket = None
        self.features = None
        self.reset()

    @property
    def bare(self):
        return self.full.partition('/')[0]

    @property
    def resource(self):
        return self.full.partition('/')[2]

    def reset(self):
        self.reader = StreamReader()
        self.events = collections.deque()
        self.at_end = False
        self.stream_open = False

    def note(self, direction, text):
        self.transcript.append((time.monotonic(), direction, text))

    # --- bytes ---------------------------------------------------------------

    def open_socket(self, direct=False):
        self.cut()
        self.reset()
        self.transcript.clear()
        source = (self.spec.settings['from'], 0) if 'from' in self.spec.settings else None
        port = self.port(direct)
        self.socket = socket.socket()
        try:
            if 'buffer' in self.spec.settings:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(self.spec.settings['buffer']))
            if source:
                self.socket.bind(source)
            self.socket.settimeout(self.timeout)
            self.socket.connect((self.server.address, port))
        except OSError as error:
            raise Failure(f'{self.name} cannot connect: {error}') from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.note('--', f'connected to port {port}')
        if direct:
            self.start_tls(alpn=True)

    def port(self, direct):
        return self.server.tls_port if direct else self.server.port

    @staticmethod
    def usual_level():
        return 'bound'

    def protocol(self):
        return 'xmpp-client'

    def show_certificate(self, context):
        pass

    def check_certificate(self):
        certificate = ssl.DER_cert_to_PEM_cert(self.socket.getpeercert(True))
        if certificate.split() != self.server.certificate(self.spec.domain).split():
            raise Failure(f'{self.name}: this is not the certificate of {self.spec.domain}')

    def start_tls(self, alpn=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols([self.protocol()])
        self.show_certificate(context)
        self.socket.settimeout(self.timeout)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=self.spec.domain)
        except OSError as error:
            raise Failure(f'{self.name}: the TLS handshake failed: {error}') from None
        self.note('--', f'{self.socket.version()}, {self.socket.cipher()[0]}')
        if alpn and self.socket.selected_alpn_protocol() != self.protocol():
            raise Failure(f'{self.name}: the server did not choose ALPN {self.protocol()} (XEP-0368 3)')
        self.check_certificate()
        self.reader = StreamReader()

    def send(self, data):
        text = data if isinstance(data, str) else data.decode('utf-8', 'backslashreplace')
        self.note('->', text if len(text) < 4000 else f'{text[:2000]} ... ({len(text)} characters)')
        if self.socket is None:
            if self.at_end:
                return  # not yet a failure: the server may have said why
            raise Failure(f'{self.name} is not connected')
        self.socket.settimeout(self.timeout)
        try:
            self.socket.sendall(data.encode() if isinstance(data, str) else data)
        except OSError as error:
            self.note('--', f'writing failed: {error}')

    def receive(self, timeout):
        """Reads once; False when nothing came in time."""
        if self.socket is None or self.at_end:
            return False
        self.socket.settimeout(max(timeout, 0))
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError as error:
            self.note('--', f'reading failed: {error}')
            data = b''
        if not data:
            self.at_end = True
            self.note('--', 'the connection has ended')
            self.socket.close()  # a server may wait for that
            self.socket = None
            self.events.append(('eof', None))
            return True
        try:
            self.reader.feed(data)
        except BadXml as error:
            raise Failure(f'{self.name} got XML that is not well-formed: {error}: {data!r}') from None
        finally:
            self.note_events()
        return True

    def note_events(self):
        for kind, value in self.reader.events:
            if kind == 'header':
                self.note('<-', '<stream:stream ...>')
            elif kind == 'end':
                self.note('<-', '</stream:stream>')
                self.answer_end()
            else:
                self.note('<-', value if kind == 'text' else show(value))
                if kind == 'element' and self.is_server_ping(value):
                    self.send(f"<iq type='result' id='{quote(value.get('id', ''))}'"
                              + (f" to='{quote(value.get('from'))}'/>" if value.get('from') else '/>'))
                    continue
            self.events.append((kind, value))
        self.reader.events.clear()

    def is_server_ping(self, element):
        """The server asks whether the client is there (XEP-0199): answered, not shown,
        unless the script wants to see it (pings=shown)."""
        return (element.name == (CLIENT, 'iq') and element.get('type') == 'get'
                and element.find(PING, 'ping') is not None
                and element.get('from') in (None, self.spec.domain, self.bare)
                and self.spec.settings.get('pings') != 'shown')

    def answer_end(self):
        """RFC 6120 4.4: the other side's closing tag is answered with one's own."""
        if self.stream_open:
            self.stream_open = False
            self.send('</stream:stream>')

    def read_all(self):
        """Whatever is there, without waiting."""
        while self.receive(0):
            pass

    def next_event(self, what, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.events:
            if self.at_end or self.socket is None:
                raise Failure(f'{self.name} waits for {what}, but is not connected')
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f'{self.name} got nothing in {self.timeout:g} s, waiting for {what}')
            self.receive(left)
        return self.events.popleft()

    def next_element(self, what='a stanza', timeout=None):
        kind, value = self.next_event(what, timeout)
        if kind == 'element':
            return value
        names = {'header': 'a stream header', 'end': '</stream:stream>', 'eof': 'the end of the connection'}
        raise Failure(f'{self.name} waits for {what}, but got {names.get(kind, repr(value))}')

    def wait_for_end(self):
        """Reads to the end of TCP whatever it is."""
        self.socket.settimeout(self.timeout)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            raise Failure(f'{self.name}: the connection did not end') from None
        except OSError:
            pass
        self.cut()
        self.events.clear()

    def cut(self):
        """Ends TCP at once, with a reset, as a lost peer would be noticed."""
        if self.socket is None:
            self.events.clear()
            return
        self.note('--', 'cut the connection')
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        except OSError:
            pass
        self.socket.close()
        self.socket = None
        self.events.clear()

    # --- the stream ----------------------------------------------------------

    def header(self):
        lang = self.spec.settings.get('lang')
        return (f"<?xml version='1.0'?><stream:stream to='{quote(self.spec.domain)}' version='1.0'"
                + (f" xml:lang='{lang}'" if lang else '')
                + f" xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>")

    def restart_reader(self):
        self.reader = StreamReader()

    def open_stream(self):
        """Header out, header and features in."""
        self.restart_reader()
        self.stream_open = True
        self.send(self.header())
        kind, header = self.next_event('a stream header')
        if kind != 'header':
            raise Failure(f'{self.name} waits for a stream header, but got {kind}')
        element = self.next_element('stream features')
        if element.name != (STREAMS, 'features'):
            raise Failure(f'{self.name} waits for stream features, but got\n{show(element)}')
        self.features = element
        return header

    def advance_to(self, level, mechanism=None):
        """Takes a new connection up to a level of ClientSpec.LEVELS."""
        if level == 'absent':
            return
        self.open_socket(direct=self.spec.direct or level == 'raw-tls')
        if level in ('raw', 'raw-tls'):
            return
        self.open_stream()
        if not self.spec.direct:
            self.secure()
        if level == 'secured':
            return
        self.authenticate(mechanism or self.spec.settings.get('mechanism'))
        if level == 'authenticated':
            return
        self.bind(self.spec.resource)
        self.transcript.clear()  # only a failed log-in is worth reading
        self.note('--', f'connected as {self.full}')
        if level == 'online':
            self.go_online()

    def secure(self):
        if self.features.find(TLS, 'starttls') is None:
            raise Failure(f'{self.name}: STARTTLS is not offered:\n{show(self.features)}')
        self.send(f"<starttls xmlns='{TLS}'/>")
        answer = self.next_element('<proceed/>')
        if answer.name != (TLS, 'proceed'):
            raise Failure(f'{self.name} waits for <proceed/>, but got\n{show(answer)}')
        self.start_tls()
        self.open_stream()

    def mechanisms(self):
        offer = self.features.find(SASL, 'mechanisms') if self.features else None
        return [m.text() for m in offer.elements()] if offer else []

    def authenticate(self, mechanism=None, **options):
        """A whole exchange that must succeed, and the restarted stream."""
        answer = self.try_authenticate(mechanism, **options)
        if answer.name != (SASL, 'success'):
            raise Failure(f'{self.name} could not authenticate:\n{show(answer)}')
        self.open_stream()

    def begin_authentication(self, mechanism=None, user=None, password=None, **options):
        """Sends <auth/>.  The exchange."""
        offered = self.mechanisms()
        if mechanism is None:
            mechanism = next((m for m in ('SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN') if m in offered), None)
            if mechanism is None:
                raise Failure(f'{self.name}: no mechanism to use among {offered}')
        if mechanism.endswith('-PLUS'):
            options.setdefault('binding', self.spec.settings.get('binding', 'tls-server-end-point'))
        options['tls'] = self.socket
        exchange = sasl.start(mechanism, user or self.spec.user, password or self.password, **options)
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{sasl.b64(exchange.first)}</auth>")
        return exchange

    def respond(self, exchange, challenge):
        reply = exchange.respond(base64.b64decode(challenge.text(), validate=True))
        self.send(f"<response xmlns='{SASL}'>{sasl.b64(reply) or ''}</response>")

    def try_authenticate(self, mechanism=None, **options):
        """The last element of an exchange: success or failure."""
        exchange = self.begin_authentication(mechanism, **options)
        try:
            while True:
                answer = self.next_element('an answer to SASL')
                if answer.name == (SASL, 'challenge'):
                    self.respond(exchange, answer)
                    continue
                if answer.name == (SASL, 'success'):
                    exchange.finish(base64.b64decode(answer.text(), validate=True))
                return answer
        except (sasl.SaslError, ValueError, KeyError) as error:
            raise Failure(f'{self.name}: bad SASL message: {error}') from None

    def bind(self, resource):
        wanted = f'<resource>{quote(resource)}</resource>' if resource else ''
        payload = f"<bind xmlns='{BIND}'>{wanted}</bind>"
        answer = self.ask('set', payload)
        bound = answer.find(BIND, 'bind')
        jid = bound.find(BIND, 'jid') if bound else None
        if answer.get('type') != 'result' or jid is None:
            raise Failure(f'{self.name} could not bind:\n{show(answer)}')
        self.full = jid.text()
        if self.bare != self.spec.bare or (resource and self.resource != resource):
            raise Failure(f'{self.name} asked to be {self.spec.jid} but was bound as {self.full}')

    def ask(self, kind, payload, to=None):
        """An IQ request and its answer; what comes between stays for the script."""
        ident = 'runner-' + secrets.token_hex(4)
        address = f" to='{quote(to)}'" if to else ''
        self.send(f"<iq type='{kind}' id='{ident}'{address}>{payload}</iq>")
        return self.wait_for(lambda e: e.name == (CLIENT, 'iq') and e.get('id') == ident,
                             f'the answer to {ident}')

    def wait_for(self, wanted, what):
        """The first element that is wanted; those before it stay."""
        aside = []
        try:
            while True:
                element = self.next_element(what)
                if wanted(element):
                    return element
                aside.append(('element', element))
        finally:
            self.events.extendleft(reversed(aside))

    def go_online(self, presence='<presence/>'):
        """Asks for the roster and becomes available (RFC 6121 2.2, 4.2), up to the
        presence that comes back to the sender (4.2.2)."""
        self.ask('get', f"<query xmlns='{ROSTER}'/>")
        self.send(presence)
        self.wait_for(lambda e: e.name == (CLIENT, 'presence') and e.get('from') == self.full
                      and e.get('type') is None, 'its own presence')

    def transcript_text(self, since=0, last=20):
        if not self.transcript:
            return ''
        out = []
        start = self.transcript[0][0]
        shown = [entry for entry in self.transcript if entry[0] >= since] or self.transcript[-1:]
        skipped = len(self.transcript) - len(shown[-last:])
        if skipped > 0:
            out.append(f'    ... {skipped} earlier entries')
        for moment, direction, text in shown[-last:]:
            lines = text.splitlines() or ['']
            out.append(f'    {moment - start:8.3f} {direction} {lines[0]}')
            out.extend(f'                {line}' for line in lines[1:])
        return '\n'.join(out)
