# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The runner's own tests: grammar, matching, SASL."""

import hashlib
import os
import socket
import ssl
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from xt import kernel, sasl  # noqa: E402
from xt.control import arguments  # noqa: E402
from xt.match import Mismatch, match  # noqa: E402
from xt.script import Script, ScriptError, expand_row, read_clients, read_steps, read_table, unescape  # noqa: E402
from xt.server import COMPLAINT, REPORTS, Certificates  # noqa: E402
from xt.run import STEPS  # noqa: E402
from xt.runner import collect  # noqa: E402
from xt.tree import BadXml, StreamReader, parse_fragment, show  # noqa: E402

SCRIPT = """\
# An example.

config
	modules: private

clients
	romeo    romeo@a.example/orchard
	juliet   juliet@b.example/balcony online  # she is there

romeo sends                                  # not waiting
	<message to='{juliet.bare}'>
	  <body># no comment</body>

	</message>
juliet gets nothing
place romeo 0, juliet 3
"""


def one(text):
    return parse_fragment(text)[0]


class Grammar(unittest.TestCase):
    def test_an_unindented_line_is_a_step_and_the_indented_ones_are_its_body(self):
        script = Script('x.xt', SCRIPT)
        self.assertEqual([s.text for s in script.steps],
                         ['config', 'clients', 'romeo sends', 'juliet gets nothing', 'place romeo 0, juliet 3'])
        self.assertEqual(script.steps[2].body,
                         "<message to='{juliet.bare}'>\n  <body># no comment</body>\n\n</message>")
        self.assertEqual(script.steps[2].line, 10)
        self.assertEqual(script.title, 'An example.')

    def test_clients_have_a_level_and_options(self):
        romeo, juliet = Script('x.xt', SCRIPT).client_specs()
        self.assertEqual((romeo.bare, romeo.resource, romeo.level), ('romeo@a.example', 'orchard', 'bound'))
        self.assertEqual((juliet.domain, juliet.level), ('b.example', 'online'))

    def test_an_unknown_client_option_is_refused(self):
        with self.assertRaises(ScriptError):
            read_clients(read_steps(['clients', '\tromeo romeo@a.example loud'])[0])

    def test_placements_are_read(self):
        self.assertEqual(Script('x.xt', SCRIPT).placements(), {'romeo': 0, 'juliet': 3})

    def test_indentation_without_a_step_is_refused(self):
        with self.assertRaises(ScriptError):
            read_steps(['\tlost'])

    def test_a_hash_in_quotes_is_no_comment(self):
        self.assertEqual(read_steps(['expect log "a # b"  # c'])[0].text, 'expect log "a # b"')

    def test_a_table_gives_rows_by_column(self):
        step = read_steps(['table bad', '\tname | sends', '\ta bar | <a>\\|</a>', '\tnothing |'])[0]
        self.assertEqual(read_table(step), [{'name': 'a bar', 'sends': '<a>|</a>'}, {'name': 'nothing', 'sends': ''}])

    def test_a_row_with_a_cell_too_many_is_refused(self):
        with self.assertRaises(ScriptError):
            read_table(read_steps(['table t', '\ta | b', '\t1 | 2 | 3'])[0])

    def test_the_cells_of_a_row_go_into_the_steps_of_a_loop(self):
        step = read_steps(['for each bad', '\tx gets {gets}', '\t\t{body}', '\tx drops'])[0]
        steps = expand_row(step, {'gets': 'nothing', 'body': '<a/>'})
        self.assertEqual([(s.text, s.body) for s in steps], [('x gets nothing', '<a/>'), ('x drops', '')])
        self.assertEqual(steps[0].line, 2)

    def test_bytes_are_written_with_escapes(self):
        self.assertEqual(unescape(r'a\x00\xff\n\\'), b'a\x00\xff\n\\')
        self.assertEqual(unescape(r'\ud800'), b'\xed\xa0\x80')

    def test_repetition_of_a_character_and_of_a_group(self):
        self.assertEqual(unescape('A{*5}'), b'AAAAA')
        self.assertEqual(unescape('(<a>){*3}x'), b'<a><a><a>x')
        self.assertEqual(unescape(r'\x41{*2}\s{*3}(\n){*2}'), b'AA   \n\n')

    def test_every_step_is_understood_by_one_pattern_only(self):
        for text in ('romeo gets', 'romeo gets nothing', 'romeo gets in any order', 'romeo gets stream error',
                     'romeo gets stream error not-authorized', 'romeo gets header', 'romeo sends bytes',
                     'everybody skips', 'romeo connects', 'romeo connects as far as raw', 'romeo is closed',
                     'romeo authenticates with SCRAM-SHA-1 password=x', 'romeo opens stream', 'advance 5 s',
                     'admin account list', 'befriend romeo juliet', 'for each bad streams', 'repeat 3'):
            self.assertEqual(sum(1 for p, _ in STEPS if p.fullmatch(text)), 1, text)


class Scripts(unittest.TestCase):
    """Typing errors in scripts are found without a server."""

    def walk(self, steps, tables):
        for step in steps:
            yield step
            if step.text.startswith('table '):
                tables[step.text.removeprefix('table ')] = read_table(step)
            elif step.text.startswith('for each '):
                for number, row in enumerate(tables[step.text.removeprefix('for each ')], 1):
                    yield from self.walk(expand_row(step, {**row, 'row': str(number)}), tables)
            elif step.text.startswith('repeat '):
                yield from self.walk(expand_row(step, {'n': '1'}), tables)

    def test_every_step_of_every_script_is_known(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        for name in collect(root, []):
            script = Script(os.path.join(root, name))
            script.client_specs(), script.placements()
            for step in self.walk(script.steps, {}):
                found = [p for p, _ in STEPS if p.fullmatch(step.text)]
                self.assertEqual(len(found), 1, f'{name}:{step.line}: {step.text}')


class Matching(unittest.TestCase):
    def same(self, pattern, actual, names=None, own=None):
        return match(one(pattern), one(actual), names or {}, own)

    def differs(self, pattern, actual, names=None, own=None):
        with self.assertRaises(Mismatch) as caught:
            match(one(pattern), one(actual), names or {}, own)
        return str(caught.exception)

    def test_prefixes_do_not_matter_but_namespaces_do(self):
        self.same("<iq type='get'><a xmlns='n'><b/></a></iq>", "<iq type='get'><p:a xmlns:p='n'><p:b/></p:a></iq>")
        self.differs("<iq><a xmlns='n'/></iq>", "<iq><a xmlns='m'/></iq>")

    def test_id_to_and_lang_of_a_stanza_may_be_left_out(self):
        self.same('<message/>', "<message id='1' to='a@b' xml:lang='en'/>")
        self.differs("<message id='2'/>", "<message id='1'/>")
        self.differs('<message><x/></message>', "<message><x id='1'/></message>")

    def test_type_and_from_may_not_be_left_out(self):
        self.assertIn('type', self.differs('<message/>', "<message type='chat'/>"))
        self.differs('<message/>', "<message from='a@b'/>")

    def test_from_may_be_left_out_where_it_is_the_own_account(self):
        self.same("<iq type='result'/>", "<iq type='result' from='a@b'/>", own='a@b')
        self.same("<iq type='result' from='a@b'/>", "<iq type='result'/>", own='a@b')
        self.differs("<iq type='result'/>", "<iq type='result' from='a@b/r'/>", own='a@b')
        self.differs("<iq type='result' from='c@b'/>", "<iq type='result'/>", own='a@b')

    def test_a_star_is_any_text(self):
        self.same("<message><body>{*}</body></message>", "<message><body>hi\nthere</body></message>")
        self.same("<message><body>{*}</body></message>", "<message><body/></message>")
        self.same("<x a='1{*}'/>", "<x a='123'/>")
        self.differs("<x a='1{*}'/>", "<x a='23'/>")

    def test_a_name_captures_and_then_must_be_equal(self):
        names = self.same("<x a='{n}' b='{n}'/>", "<x a='1' b='1'/>")
        self.assertEqual(names, {'n': '1'})
        self.assertIn('{n} is', self.differs("<x a='{n}'/>", "<x a='2'/>", names))
        self.differs("<x a='{n}' b='{n}'/>", "<x a='1' b='2'/>")

    def test_dots_allow_further_children(self):
        self.same('<x><a/>{...}</x>', '<x><b/><a/><c/></x>')
        self.same('<x>{...}</x>', '<x><b/>text</x>')
        self.same('<x>{...}</x>', '<x/>')
        self.differs('<x><a/>{...}</x>', '<x><b/></x>')
        self.differs('<x><a/></x>', '<x><a/><b/></x>')

    def test_dots_among_attributes_allow_further_ones(self):
        self.same("<x a='1' {...}/>", "<x a='1' b='2'/>")
        self.differs("<x a='1' {...}/>", "<x b='2'/>")

    def test_children_of_a_stanza_have_no_order_but_others_do(self):
        self.same('<message><a/><b/></message>', '<message><b/><a/></message>')
        self.differs('<x><a/><b/></x>', '<x><b/><a/></x>')

    def test_a_set_is_matched_with_captures_tried_in_turn(self):
        names = self.same("<message><a v='{n}'/><a v='1'/></message>", "<message><a v='1'/><a v='2'/></message>")
        self.assertEqual(names, {'n': '2'})

    def test_white_space_between_elements_does_not_matter_but_in_text_it_does(self):
        self.same('<x>\n  <a/>\n</x>', '<x><a/></x>')
        self.differs('<x>a</x>', '<x> a</x>')

    def test_text_beside_elements_counts(self):
        self.differs('<x><a/></x>', '<x><a/>text</x>')

    def test_a_mismatch_says_where(self):
        self.assertIn('iq/query/item', self.differs(
            "<iq><query xmlns='jabber:iq:roster'><item jid='a@b' subscription='to'/></query></iq>",
            "<iq><query xmlns='jabber:iq:roster'><item jid='a@b' subscription='none'/></query></iq>"))

    def test_a_child_that_is_missing_twice_is_noticed(self):
        self.differs('<message><a/><a/></message>', '<message><a/></message>')
        self.differs('<message><a/></message>', '<message><a/><a/></message>')


class Xml(unittest.TestCase):
    def test_a_stream_is_read_piece_by_piece(self):
        reader = StreamReader()
        text = ("<?xml version='1.0'?><s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'"
                " id='1'><message><body>a&amp;b</body></message> <iq/></s:stream>")
        for char in text:
            reader.feed(char.encode())
        self.assertEqual([kind for kind, _ in reader.events], ['header', 'element', 'element', 'end'])
        self.assertEqual(reader.events[1][1].elements()[0].text(), 'a&b')

    def test_bad_xml_is_noticed(self):
        with self.assertRaises(BadXml):
            parse_fragment('<a><b></a>')
        with self.assertRaises(BadXml):
            parse_fragment('<a/>stray')

    def test_a_header_without_its_end_can_be_a_pattern(self):
        header = one("<stream:stream from='a.example' id='{*}' version='1.0'>")
        self.assertEqual(header.get('from'), 'a.example')

    def test_an_element_is_shown_as_it_would_be_written(self):
        self.assertEqual(show(one("<iq type='get'><q xmlns='n' a='&lt;'/></iq>")),
                         '<iq type="get">\n  <q xmlns="n" a="&lt;"/>\n</iq>')


class Sasl(unittest.TestCase):
    def test_scram_agrees_with_the_example_of_rfc_7677(self):
        scram = sasl.Scram('SCRAM-SHA-256', 'user', 'pencil')
        scram.nonce = 'rOprNGfwEbeRWgbNEkqO'
        scram.first_bare = f'n=user,r={scram.nonce}'
        answer = scram.respond(b'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,'
                               b's=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096')
        self.assertEqual(answer, b'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,'
                                 b'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')
        scram.finish(b'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')

    def test_a_server_that_does_not_know_the_password_is_found_out(self):
        scram = sasl.Scram('SCRAM-SHA-1', 'user', 'pencil')
        scram.respond(f'r={scram.nonce}x,s=QSXCR+Q6sek8bf92,i=4096'.encode())
        with self.assertRaises(sasl.SaslError):
            scram.finish(b'v=' + b'A' * 28)

    def test_a_server_that_does_not_add_to_the_nonce_is_found_out(self):
        scram = sasl.Scram('SCRAM-SHA-1', 'user', 'pencil')
        with self.assertRaises(sasl.SaslError):
            scram.respond(f'r={scram.nonce},s=QSXCR+Q6sek8bf92,i=4096'.encode())

    def test_both_sides_of_a_connection_have_the_same_bindings(self):
        certificates = Certificates()
        try:
            certificate, key = certificates.files('a.example')
            ours, theirs = socket.socketpair()
            server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server_context.load_cert_chain(certificate, key)
            made = []
            thread = threading.Thread(
                target=lambda: made.append(server_context.wrap_socket(theirs, server_side=True)))
            thread.start()
            client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            client_context.check_hostname = False
            client_context.verify_mode = ssl.CERT_NONE
            tls = client_context.wrap_socket(ours)
            thread.join()
            self.assertEqual(sasl.exporter(tls), sasl.exporter(made[0]))
            with open(certificate, encoding='ascii') as file:
                der = ssl.PEM_cert_to_DER_cert(file.read())
            self.assertEqual(sasl.server_end_point(tls), hashlib.sha256(der).digest())
            tls.close()
            made[0].close()
        finally:
            certificates.remove()


class Kernel(unittest.TestCase):
    def test_bytes_under_way_are_seen_on_both_sides(self):
        listener = socket.create_server(('127.0.0.1', 0))
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        self.assertEqual((kernel.unsent(ours), kernel.unsent_by_peer(ours)), (0, 0))
        for sock in (ours, theirs):  # nobody reads: some of it must wait
            sock.setblocking(False)
            try:
                while True:
                    sock.send(b'x' * 65536)
            except BlockingIOError:
                pass
        self.assertGreater(kernel.unsent(ours), 0)
        self.assertEqual(kernel.unsent_by_peer(ours), kernel.unsent(theirs))
        for sock in (ours, theirs, listener):
            sock.close()


class Admin(unittest.TestCase):
    DECLARED = [{'name': 'jid', 'type': 'account'}, {'name': 'limit', 'type': 'int', 'optional': True}]

    def test_arguments_are_given_in_order_or_by_name(self):
        self.assertEqual(arguments(self.DECLARED, ['a@b', '5']), {'jid': 'a@b', 'limit': 5})
        self.assertEqual(arguments(self.DECLARED, ['limit=5', 'a@b']), {'jid': 'a@b', 'limit': 5})

    def test_an_argument_too_many_is_refused(self):
        with self.assertRaises(ScriptError):
            arguments(self.DECLARED, ['a@b', '5', '6'])

    def test_many_values_become_an_array(self):
        self.assertEqual(arguments([{'name': 'names', 'type': 'text', 'many': True}], ['a', 'b']),
                         {'names': ['a', 'b']})


class Logs(unittest.TestCase):
    def test_complaints_and_reports_are_found(self):
        self.assertTrue(COMPLAINT.search('time=1 level=warn msg="x"'))
        self.assertFalse(COMPLAINT.search('time=1 level=info msg="level of noise: error"'))
        self.assertTrue(REPORTS.search('==1==ERROR: AddressSanitizer: heap-use-after-free'))
        self.assertTrue(REPORTS.search('a.c:3:4: runtime error: signed integer overflow'))
        self.assertTrue(REPORTS.search('WARNING: ThreadSanitizer: data race'))


if __name__ == '__main__':
    unittest.main()
