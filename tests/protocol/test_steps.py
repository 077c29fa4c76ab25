# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The runner's own tests: steps, played against a server that only answers by rote."""

import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from xt.client import Failure  # noqa: E402
from xt.control import Refused  # noqa: E402
from xt.run import Run  # noqa: E402
from xt.script import Script, ScriptError  # noqa: E402

HEADER = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='a.example' id='1'>"
ANSWERS = {
    'hello': "<message from='x@a.example'><body>hello</body></message>",
    'two': "<presence from='b@a.example'/><presence from='a@a.example'/>",
    'error': "<iq type='error' id='1'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    'wrong type': "<iq type='error' id='1'><error type='auth'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
    'end': "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
    'ping': "<iq type='get' id='77' from='a.example'><ping xmlns='urn:xmpp:ping'/></iq>",
}


class Rote:
    """A server for Run: answers each known word with its stanzas."""

    address, hosts, far = '127.0.0.1', ['a.example'], None

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.tls_port = self.listener.getsockname()[1]
        self.got = []
        self.log = []
        self.idle = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            with self.listener.accept()[0] as connection:
                connection.sendall(HEADER.encode())
                while data := connection.recv(4096):
                    text = data.decode()
                    self.got.append(text)
                    for word in text.split(','):
                        if word in ANSWERS:
                            connection.sendall(ANSWERS[word].encode())
                    self.idle.set()
                    if '</stream:stream>' in ANSWERS.get(text, ''):
                        break
        except OSError:
            pass  # cut by the test

    def drain(self):
        self.idle.wait(0.2)

    def running(self):
        return True

    def admin(self, command):
        if command == 'count':
            return None, [{'n': 1, 'what': 'a b', 'on': True}, {'n': 2, 'what': 'c', 'on': False}]
        return 'not-found: There is none.', []

    def inject(self, xml):
        raise Refused('usage', xml)


class Steps(unittest.TestCase):
    run_ = server = None

    def end(self):
        if self.run_:
            self.run_.close()
            self.server.listener.close()

    tearDown = end

    def play(self, text):
        self.end()
        self.server = Rote()
        self.run_ = Run(Script('x.xt', 'clients\n\tx a.example raw\nx gets header\n' + text), self.server, 1)
        self.run_.execute()

    def fails(self, text, part):
        with self.assertRaises(Failure) as caught:
            self.play(text)
        self.assertIn(part, str(caught.exception))

    def test_what_comes_is_compared(self):
        self.play("x sends\n\thello\nx gets\n\t<message from='{who}@a.example'><body>hello</body></message>\n")
        self.assertEqual(self.run_.names['who'], 'x')

    def test_what_nobody_looked_at_fails_the_script(self):
        self.fails('x sends\n\thello\n', 'more than the script expects')

    def test_nothing_means_nothing(self):
        self.fails('x sends\n\thello\nx gets nothing\n', 'should get nothing')
        self.play('x sends\n\tquiet\nx gets nothing\n')

    def test_nothing_or_this_takes_both(self):
        self.play('x sends\n\tquiet\nx gets nothing or this\n\t<presence/>\n')
        self.play("x sends\n\thello\nx gets nothing or this\n\t<message {...}>{...}</message>\n")
        self.fails('x sends\n\thello\nx gets nothing or this\n\t<presence/>\n', 'expected <presence')

    def test_order_matters_but_where_it_is_said_not_to(self):
        body = "\t<presence from='a@a.example'/>\n\t<presence from='b@a.example'/>\n"
        self.play('x sends\n\ttwo\nx gets in any order\n' + body)
        self.fails('x sends\n\ttwo\nx gets\n' + body, 'attribute from')

    def test_a_stanza_error_has_the_type_of_its_condition(self):
        self.play("x sends\n\terror\nx gets error gone\n\t<iq id='1'/>\n")
        self.fails("x sends\n\twrong type\nx gets error gone\n\t<iq id='1'/>\n", 'attribute type')
        self.fails("x sends\n\terror\nx gets error forbidden\n\t<iq id='1'/>\n", '')

    def test_a_stream_error_and_the_end(self):
        self.play('x sends\n\tend\nx gets stream error conflict or reset\nx is closed\n')
        self.fails('x sends\n\tend\nx gets stream error reset\n', 'waits for stream error reset')

    def test_every_row_of_a_table_is_tried(self):
        table = 'table t\n\tword | body\n\thello | hello\n\thello | wrong\n\thello | bad\n'
        self.fails(table + "for each t\n\tx sends\n\t\t{word}\n\tx gets\n\t\t<message {...}><body>{body}</body></message>\n",
                   '2 of 3 rows failed')
        self.assertEqual(self.run_.rows, 3)

    def test_pieces_of_text_take_cells(self):
        self.play("let m\n\t<message {...}><body>{body}</body></message>\ntable t\n\tword | body\n\thello | hello\n"
                  'for each t\n\tx sends\n\t\t{word}\n\tx gets\n\t\t{=m}\n')

    def test_the_servers_pings_are_answered(self):
        self.play('x sends\n\tping,hello\nx gets\n\t<message {...}>{...}</message>\nx gets nothing\n')
        self.assertTrue(any("id='77'" in text for text in self.server.got) or self.wait_for_pong())

    def wait_for_pong(self):
        for _ in range(100):
            if any("id='77'" in text for text in self.server.got):
                return True
            self.server.idle.clear()
            self.server.idle.wait(0.01)
        return False

    def test_rows_of_an_admin_command_are_compared_by_field(self):
        self.play('admin count\n\tn=1 what="a b" on=true\n\tn={n}\n')
        self.assertEqual(self.run_.names['n'], '2')
        self.fails('admin count\n\tn=1\n', '1 rows are expected, 2 came')
        self.fails('admin count gives nothing\n', '0 rows are expected, 2 came')
        self.play('admin count in any order\n\tn=2\n\tn=1\n')
        self.fails('admin other\n', 'There is none')
        self.play('admin other fails\n\tnot-found: {*}\n')

    def test_names_are_filled_in_and_unknown_ones_refused(self):
        self.play('x sends\n\t{a.example},{base64:\\x00a}\nx gets nothing\n')
        self.assertEqual(self.server.got, ['a.example,AGE='])
        with self.assertRaises(ScriptError):
            self.play('x sends\n\t{nobody.bare}\n')
        with self.assertRaises(ScriptError):
            self.play("x gets\n\t<message from='{nobody.bare}'/>\n")

    def test_a_step_that_does_not_exist_is_refused(self):
        with self.assertRaises(ScriptError):
            self.play('x dances\n')

    def test_a_command_that_the_server_refuses_fails_the_script(self):
        self.fails('inject\n\t<presence/>\n', 'usage')


if __name__ == '__main__':
    unittest.main()
