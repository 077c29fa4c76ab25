#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Two clients chat while their connections break, now and then under a connection that still looks
alive, and the server is restarted (XEP-0198).  Everything must arrive once and in order.

  resumptions.py --build-dir BUILD [--workers N] [--seed N] [--seconds 10]
"""

import argparse
import collections
import random
import sys
import time

from xt.client import Client
from xt.hermod import Hermod
from xt.runner import Cell
from xt.script import ClientSpec
from xt.server import Certificates
from xt.tree import CLIENT, SM


class Chatter:
    """A client that keeps the rules of XEP-0198 4 and 5."""

    def __init__(self, server, user):
        self.spec = ClientSpec(user, f'{user}@a.example/x', ['online', 'pings=shown'])
        server.add_account(self.spec.bare, f'pass-{user}')
        self.client = Client(self.spec, server, server.options.timeout)
        self.there = False
        self.id = None
        self.handled = self.acknowledged = self.said = self.resumed = 0
        self.under_way = collections.deque()
        self.got = []

    def connect(self):
        self.client.advance_to('authenticated')
        if self.id:
            self.client.send(f"<resume xmlns='{SM}' previd='{self.id}' h='{self.handled}'/>")
            self.take_ack(self.wait_for('resumed'))
            for stanza in self.under_way:
                self.client.send(stanza)
            self.resumed += 1
        else:
            self.client.bind('x')
            self.client.send(f"<enable xmlns='{SM}' resume='true'/>")
            self.id = self.wait_for('enabled').get('id')
            self.send('<presence/>')
        self.there = True

    def wait_for(self, name):
        while True:
            element = self.client.next_element(f'<{name}/>')
            if element.name == (SM, 'failed'):
                raise SystemExit(f'{self.spec.name} waits for <{name}/>, but got <failed/>')
            if element.name == (SM, name):
                return element
            self.take(element)

    def break_off(self):
        self.client.cut()
        self.there = False

    def send(self, stanza):
        self.under_way.append(stanza)
        self.client.send(stanza)

    def say(self, to):
        self.said += 1
        self.send(f"<message to='{to}' type='chat' id='{self.spec.name}-{self.said}'>"
                  f"<body>{self.said}</body></message>")

    def ask(self):
        self.client.send(f"<r xmlns='{SM}'/>")

    def take_ack(self, element):
        while self.acknowledged != int(element.get('h')):
            self.under_way.popleft()  # an IndexError: more than was sent
            self.acknowledged += 1

    def take(self, element):
        if element.name == (SM, 'r'):
            self.client.send(f"<a xmlns='{SM}' h='{self.handled}'/>")
        elif element.name == (SM, 'a'):
            self.take_ack(element)
        elif element.name[0] == CLIENT:
            self.handled += 1
            body = element.find(CLIENT, 'body')
            if body is not None:
                self.got.append(int(body.text()))

    def read(self, most=10**9):
        """What is there, or a part of it: the rest is lost if the connection breaks now."""
        while self.there and most > 0 and (self.client.events or self.client.receive(0)):
            if not self.client.events:
                continue
            kind, value = self.client.events.popleft()
            if kind != 'element' or value.name[1] == 'error':
                self.break_off()
            else:
                self.take(value)
                most -= 1


def one_turn(dice, chatter, other):
    what = dice.random()
    if not chatter.there:
        if what < 0.5:
            chatter.connect()
    elif what < 0.55:
        for _ in range(dice.randrange(1, 8)):
            chatter.say(other.spec.bare + dice.choice(['', '/x']))
    elif what < 0.6:
        chatter.ask()
    elif what < 0.66:
        chatter.read(dice.choice([0, 1, 3]))
        chatter.break_off()
    elif what < 0.68:
        chatter.connect()  # the server has not noticed that the old connection is gone
    else:
        chatter.read()


def restart(server, chatters):
    server.stop(lambda: None)
    for chatter in chatters:
        chatter.read()
        chatter.break_off()
    server.start()


def come_to_rest(server, chatters, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        server.drain()
        for chatter in chatters:
            if not chatter.there:
                chatter.connect()
            chatter.ask()
            chatter.read()
        if not any(chatter.under_way for chatter in chatters) and \
                [len(c.got) for c in chatters] == [c.said for c in reversed(chatters)]:
            return


def is_right(chatter, other):
    right = chatter.got == list(range(1, other.said + 1)) and not chatter.under_way
    print(f'{"ok  " if right else "FAIL"} {chatter.spec.name} got {len(chatter.got)} of {other.said}, '
          f'resumed {chatter.resumed} times')
    if not right:
        count = collections.Counter(chatter.got)
        print('  missing:', [n for n in range(1, other.said + 1) if n not in count][:10],
              'twice:', [n for n in count if count[n] > 1][:10],
              'behind another:', [b for a, b in zip(chatter.got, chatter.got[1:]) if b < a][:10])
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build-dir', required=True)
    parser.add_argument('--workers', type=int, default=4)
    parser.add_argument('--seed', type=int, default=random.randrange(1, 2**31))
    parser.add_argument('--seconds', type=float, default=10)
    options = parser.parse_args()
    options.server, options.log_level, options.keep, options.timeout = None, 'info', False, 10
    dice = random.Random(options.seed)
    certificates = Certificates()
    server = Hermod(options, Cell('resumptions', options.workers, False, 'sqlite'), certificates)
    server.settings, server.hosts = {None: '', '': 'limits { ask_stanzas 5 }\n'}, ['a.example']
    server.start()
    try:
        chatters = [Chatter(server, 'romeo'), Chatter(server, 'juliet')]
        for chatter in chatters:
            chatter.connect()
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            one_turn(dice, *chatters)
            one_turn(dice, *reversed(chatters))
            if dice.random() < 0.004:
                restart(server, chatters)
        come_to_rest(server, chatters, options.timeout)
        right = [is_right(*chatters), is_right(*reversed(chatters))]
        for chatter in chatters:
            chatter.break_off()
        server.stop()
        server.check_log([])
    finally:
        server.remove()
        certificates.remove()
    if not all(right):
        print(f'  --seed {options.seed}')
    return 0 if all(right) else 1


if __name__ == '__main__':
    sys.exit(main())
