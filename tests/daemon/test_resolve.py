# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""`resolve`, and the block `resolver`: with a DNS server of the test's own."""

import socket
import struct
import threading

from server import check, same

A, SRV = 1, 33


def name_bytes(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.') if label) + b'\0'


def srv(priority, port, host):
    return SRV, struct.pack('>HHH', priority, 0, port) + name_bytes(host)


def address(text):
    return A, socket.inet_aton(text)


class Dns:
    """Answers from a dict of name to [(type, data)]; ended by leaving the block."""

    def __init__(self, table):
        self.table = table
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.at = '127.0.0.1@%d' % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *ignored):
        self.socket.sendto(b'', self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            packet, peer = self.socket.recvfrom(4096)
            if not packet:
                return
            self.socket.sendto(self.answer(packet), peer)

    def answer(self, packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode().lower())
            at += packet[at] + 1
        name, kind = '.'.join(labels), struct.unpack('>H', packet[at + 1:at + 3])[0]
        self.asked.append(name)
        found = [data for type_, data in self.table.get(name, []) if type_ == kind]
        exists = any(known == name or known.endswith('.' + name) for known in self.table)
        out = packet[:2] + struct.pack('>HHHHH', 0x8180 | (0 if exists else 3), 1, len(found), 0, 0) + packet[12:at + 5]
        for data in found:
            out += b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 300, len(data)) + data
        return out


TABLE = {
    '_xmpp-server._tcp.b.example': [srv(20, 5269, 'x.b.example')],
    '_xmpps-server._tcp.b.example': [srv(10, 5270, 'x.b.example')],
    'x.b.example': [address('192.0.2.1')],
    '_xmpp-server._tcp.none.example': [srv(0, 0, '')],
    'xn--mller-kva.example': [address('192.0.2.2')],
}


def use(server, dns, more=''):
    server.configure(top=f'resolver {{ servers {dns.at}  trust_anchor none {more} }}')


def test_the_targets_are_shown_in_their_order(server):
    with Dns(TABLE) as dns:
        use(server, dns)
        server.start()
        rows = server.do('resolve', domain='B.example')
        same([(row['order'], row['host'], row['port'], row['tls'], row['addresses']) for row in rows],
             [(1, 'x.b.example', 5270, 'direct', '192.0.2.1'), (2, 'x.b.example', 5269, 'starttls', '192.0.2.1')])
        rows = server.do('resolve', domain='Müller.example')
        same([(row['host'], row['from'], row['addresses']) for row in rows],
             [('xn--mller-kva.example', 'domain', '192.0.2.2')])


def test_it_says_why_nothing_is_found(server):
    with Dns(TABLE) as dns:
        use(server, dns)
        server.start()
        for domain, code, error in (
                ('missing.example', 'not-found', 'There is no domain missing.example in the DNS.'),
                ('none.example', 'not-found',
                 'The domain none.example says in its SRV records that it has no XMPP server for others.'),
                ('b@example', 'invalid', 'That is no domain.')):
            _, end = server.ask('resolve', domain=domain)
            same((end['code'], end['error']), (code, error))
        same([row['addresses'] for row in server.do('resolve', domain='127.0.0.9')], ['127.0.0.9'])


def test_a_reload_takes_other_servers(server):
    other = {'b.example': [address('192.0.2.9')]}
    with Dns(TABLE) as first, Dns(other) as second:
        use(server, first)
        server.start()
        same(len(server.do('resolve', domain='b.example')), 2)
        use(server, second)
        same([row['change'] for row in server.do('reload')], ['resolver.servers'])
        same([row['addresses'] for row in server.do('resolve', domain='b.example')], ['192.0.2.9'])


def test_the_server_ends_with_a_question_open(server):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(('127.0.0.1', 0))
    silent.settimeout(5)
    server.configure(top='resolver { servers 127.0.0.1@%d  trust_anchor none }' % silent.getsockname()[1])
    server.start()
    control = server.control()
    control.send(id=1, command='resolve', args={'domain': 'b.example'})
    silent.recv(2048)  # now it waits for the answer
    same(server.stop(), 0)
    control.close()
    silent.close()


def test_mistakes_are_told(server):
    server.configure(top='resolver {\n\tservers [ ns.example 192.0.2.1@0 ]\n\ttrust_anchor nowhere\n}')
    status, _, errors = server.run('--check-config')
    check(status != 0, 'it is accepted')
    check('a numeric address such as 192.0.2.53' in errors, errors)
    check('nowhere cannot be read' in errors, errors)
