# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Steps about other servers: what a script plays one with."""

import socket
import ssl

from .client import Client, Failure, quote
from .step import step
from .tree import DIALBACK, SERVER, STREAMS, StreamReader


class Peer(Client):
    """Another server's end of one connection."""

    stream_id = ''  # that the server gave to this one's last stream

    def header(self, ident=None):
        return ("<?xml version='1.0'?>"
                f"<stream:stream xmlns='{SERVER}' xmlns:stream='{STREAMS}' xmlns:db='{DIALBACK}'"
                f" from='{quote(self.spec.domain)}' to='{quote(self.server.hosts[0])}' version='1.0'"
                + (f" id='{ident}'" if ident else '') + '>')

    def port(self, direct):
        return self.server.peer_tls_port if direct else self.server.peer_port

    @staticmethod
    def usual_level():
        return 'raw'

    def open_stream(self):
        header = super().open_stream()
        self.stream_id = header.get('id')
        return header

    def protocol(self):
        return 'xmpp-server'

    def show_certificate(self, context):
        if 'certificate' in self.spec.settings:
            context.load_cert_chain(*self.server.certificates.files(self.spec.settings['certificate']))

    def check_certificate(self):
        pass

    def accept(self, listener):
        self.cut()
        self.reset()
        self.transcript.clear()
        listener.settimeout(self.timeout)
        try:
            self.socket = listener.accept()[0]
        except TimeoutError:
            raise Failure(f'{self.name}: nobody has connected') from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.note('--', 'accepted')

    def serve_tls(self, direct=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        name = self.spec.settings.get('certificate', self.spec.domain)
        context.load_cert_chain(*self.server.certificates.files(name))
        context.verify_mode = ssl.CERT_NONE
        if direct:
            context.set_alpn_protocols(['xmpp-server'])
        self.socket.settimeout(self.timeout)
        try:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        except OSError as error:
            raise Failure(f'{self.name}: the TLS handshake failed: {error}') from None
        if direct and self.socket.selected_alpn_protocol() != 'xmpp-server':
            raise Failure(f'{self.name}: ALPN xmpp-server was not offered (XEP-0368 3)')
        self.reader = StreamReader()


class PeerSteps:
    @step(r'(?P<name>\S+) accepts(?P<direct> TLS)?')
    def accepts(self, this, name, direct=None):
        """The server connects to this one's address."""
        peer = self.client(name)
        peer.accept(self.server.listeners[peer.spec.domain])
        if direct:
            peer.serve_tls(direct=True)

    @step(r'nobody connects to (?P<domain>\S+)')
    def nobody_connects(self, this, domain):
        self.drain()
        listener = self.server.listeners[domain]
        listener.settimeout(0)
        try:
            listener.accept()[0].close()
        except (BlockingIOError, TimeoutError):
            return
        raise Failure('somebody has connected')

    @step(r'(?P<name>\S+) serves TLS')
    def serves_tls(self, this, name):
        self.client(name).serve_tls()

    @step(r'(?P<name>\S+) welcomes(?: as (?P<ident>\S+))?')
    def welcomes(self, this, name, ident='id1'):
        """Gets the header, answers it, and sends the features of the body."""
        peer = self.client(name)
        kind, _ = peer.next_event('a stream header')
        if kind != 'header':
            raise Failure(f'{name} waits for a stream header, but got {kind}')
        peer.stream_open = True
        peer.send(peer.header(ident or 'id1'))
        peer.send(f'<stream:features>{self.fill(this.body)}</stream:features>')

    @step(r'(?P<what>stop|start|kill) far server')
    def far_server(self, this, what):
        far = self.server.far
        if what == 'stop':
            far.stop(self.read_everybody)
        else:
            getattr(far, what)()

    @step(r'(?P<name>\S+) restarts')
    def restarts(self, this, name):
        """What comes next is a new stream (RFC 6120 6.4.6)."""
        self.client(name).restart_reader()
