# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A disk that is really full: a small file system in memory, clients that go on, SIGKILL."""

import base64
import os
import socket
import ssl
import subprocess
import time
import xml.etree.ElementTree as tree
from contextlib import contextmanager

from server import TIMEOUT, Skipped, check, same, wait_until

DISK_BYTES = 3 << 20
CLIENT = '{jabber:client}'
ERROR = f'{CLIENT}error'
CONSTRAINT = '{urn:ietf:params:xml:ns:xmpp-stanzas}resource-constraint'
ROSTER = '{jabber:iq:roster}'
PASSWORD = 'a-long-word'


class Client:
    """Direct TLS, PLAIN, a resource; no opinion about what comes."""

    def __init__(self, server, user):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(socket.create_connection((server.address, 5223), TIMEOUT),
                                          server_hostname='a.example')
        self.bounced = set()
        self.messages = []
        self.open()
        token = base64.b64encode(f'\0{user}\0{PASSWORD}'.encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>")
        check(self.read().tag.endswith('}success'), f'{user} cannot log in')
        self.open()
        self.ask('bind', "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")

    def open(self):
        self.parser = tree.XMLPullParser(['start', 'end'])
        self.depth = 0
        self.ready = []
        self.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                  "to='a.example' version='1.0'>")
        self.read()

    def send(self, text):
        self.socket.sendall(text.encode())

    def read(self):
        while not self.ready:
            data = self.socket.recv(65536)
            check(data, 'the connection has ended')
            self.parser.feed(data)
            for event, element in self.parser.read_events():
                self.depth += 1 if event == 'start' else -1
                if event == 'end' and self.depth == 1:
                    self.ready.append(element)
        return self.ready.pop(0)

    def take(self):
        """One stanza; messages are noted, requests answered.  An answer, or None."""
        element = self.read()
        if element.tag == f'{CLIENT}message':
            if element.get('type') == 'error':
                check_refused(element)
                self.bounced.add(element.get('id'))
            else:
                self.messages.append(element.get('id'))
        elif element.tag == f'{CLIENT}iq' and element.get('type') in ('get', 'set'):
            self.send(f"<iq type='result' id='{element.get('id')}'/>")
        elif element.tag == f'{CLIENT}iq':
            return element
        return None

    def answers(self, ids):
        """id -> its answer"""
        found = {}
        while set(found) != set(ids):
            answer = self.take()
            if answer is not None:
                found[answer.get('id')] = answer
        return found

    def ask(self, iq_id, payload, kind='set', to=''):
        self.send(f"<iq type='{kind}' id='{iq_id}'{to}>{payload}</iq>")
        return self.answers([iq_id])[iq_id]

    def roster(self):
        answer = self.ask('roster', "<query xmlns='jabber:iq:roster'/>", 'get')
        same(answer.get('type'), 'result', 'the roster')
        return {item.get('jid'): item.get('name') for item in answer.iter(f'{ROSTER}item')}

    def card(self):
        answer = self.ask('card', "<vCard xmlns='vcard-temp'/>", 'get')
        return ''.join(answer.itertext()).rstrip('x')

    def close(self):
        self.socket.close()


def check_refused(stanza):
    error = stanza.find(ERROR)
    check(error is not None and error.get('type') == 'wait' and error.find(CONSTRAINT) is not None,
          f'not the right error: {tree.tostring(stanza)}')


class Story:
    """What one client asked for and was told."""

    def __init__(self):
        self.count = 0
        self.roster, self.card = {}, ''
        self.sent = set()
        self.refused = {'roster': 0, 'card': 0}

    def round(self, client):
        """A change of each kind at once; all are answered, and a ping too."""
        self.count += 1
        n, jid, name = self.count, f'c{self.count % 7}@b.example', f'name{self.count}-' + 'n' * 500
        client.send(f"<iq type='set' id='r{n}'><query xmlns='jabber:iq:roster'><item jid='{jid}' name='{name}'/>"
                    f"</query></iq><message to='juliet@a.example' type='chat' id='m{n}'><body>{'x' * 3000}</body>"
                    f"</message><iq type='set' id='v{n}'><vCard xmlns='vcard-temp'><FN>{n}-{'x' * 6000}</FN></vCard>"
                    f"</iq><iq type='get' id='p{n}' to='a.example'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.sent.add(f'm{n}')
        answers = client.answers([f'r{n}', f'v{n}', f'p{n}'])
        same(answers[f'p{n}'].get('type'), 'result', 'ping')
        if self.stored(answers[f'r{n}'], 'roster'):
            self.roster[jid] = name
        if self.stored(answers[f'v{n}'], 'card'):
            self.card = f'{n}-'

    def stored(self, answer, kind):
        if answer.get('type') == 'error':
            check_refused(answer)
            self.refused[kind] += 1
            return False
        return True

    def until_refused(self, client):
        """Each kind, several times."""
        before, bounced = dict(self.refused), len(client.bounced)
        deadline = time.monotonic() + TIMEOUT * 4
        while (any(self.refused[kind] < before[kind] + 5 for kind in before)
               or len(client.bounced) < bounced + 5):
            check(time.monotonic() < deadline, f'the disk does not seem full: {self.refused}')
            self.round(client)

    def settled(self, server, client):
        """Every message is either kept or has come back."""
        def equal():
            client.ask('sync', "<ping xmlns='urn:xmpp:ping'/>", 'get', " to='a.example'")
            rows = server.do('offline count', jid='juliet@a.example')
            return rows[0]['messages'] == len(self.sent - client.bounced)
        wait_until(equal, 'the count of kept messages')
        self.sent -= client.bounced

    def compare(self, client):
        same(client.roster(), self.roster, 'roster')
        same(client.card(), self.card, 'card')


@contextmanager
def small_disk(server):
    """Gives the folder of a file system that is soon full, and that is gone afterwards."""
    path = server.path('disk')
    os.mkdir(path)
    if os.geteuid() != 0:
        raise Skipped('only root can mount a small file system')
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK_BYTES},mode=0700', 'hermod-test', path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f'a small file system cannot be mounted here: {done.stderr.strip()}')
    try:
        yield path
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        subprocess.run(['umount', path], check=True)


def fill(path):
    with open(os.path.join(path, 'filler'), 'wb', buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b'x' * size)
            except OSError:
                pass


def full_disk(server, workers):
    with small_disk(server) as path:
        server.configure(top=f'workers {workers}', modules='modules [ ping roster offline archive vcard ]')
        with open(server.config_path, encoding='utf-8') as file:
            text = file.read()
        server.write_config(text.replace('data_directory data', 'data_directory disk/data'))
        server.start()
        for user in ('romeo', 'juliet'):
            server.do('account add', jid=f'{user}@a.example', password=PASSWORD)
        story, romeo = Story(), Client(server, 'romeo')
        story.round(romeo)
        same(story.refused, {'roster': 0, 'card': 0}, 'refused with room')

        # Full: what is answered with a result is there after SIGKILL, what is refused is not.
        fill(path)
        story.until_refused(romeo)
        story.settled(server, romeo)
        story.compare(romeo)
        server.kill()
        os.remove(os.path.join(path, 'filler'))
        server.start()
        romeo = Client(server, 'romeo')
        story.compare(romeo)

        # Full again; there is room again: it works without a restart, and memory is what the disk holds.
        fill(path)
        story.until_refused(romeo)
        os.remove(os.path.join(path, 'filler'))
        before = dict(story.refused)
        for _ in range(5):
            story.round(romeo)
        story.settled(server, romeo)
        same(story.refused, before, 'refused with room again')
        story.compare(romeo)
        server.kill()
        server.start()
        story.compare(Client(server, 'romeo'))

        juliet = Client(server, 'juliet')
        juliet.send('<presence/>')
        while len(juliet.messages) < len(story.sent):
            juliet.take()
        same(juliet.messages, sorted(story.sent, key=lambda name: int(name[1:])), 'messages, in their order')
        same(server.stop(), 0, 'status')
        troubles = [line for line in server.log().splitlines() if 'level=error' in line or 'level=warn' in line]
        check(1 <= len(troubles) <= 3, 'lines about a full disk:\n' + '\n'.join(troubles))


def test_a_full_disk_with_one_worker(server):
    full_disk(server, 1)


def test_a_full_disk_with_four_workers(server):
    full_disk(server, 4)
