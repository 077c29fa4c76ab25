# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""doc/control-protocol.md, line by line."""

from server import check, same, wait_until


def is_closed(control):
    return control.read() is None


def test_lines_that_are_nothing_end_the_connection(server):
    server.start()
    for line in (b'nonsense', b'', b'[]', b'{}', b'{"id":0,"command":"status"}', b'{"id":"1","command":"status"}',
                 b'{"id":9007199254740993,"command":"status"}', b'{"id":1,"id":2,"command":"status"}', b'{"id":1}x',
                 b'{"command":"status"}', b'{"id":1,"command":"\xff"}', b'{"id":1,"command":"a\\u0000b"}'):
        control = server.control()
        control.send_bytes(line + b'\n')
        answer = control.read()
        check(answer and answer['ok'] is False and answer['code'] == 'invalid' and 'id' not in answer,
              f'{line}: {answer}')
        check(is_closed(control), f'{line}: the connection is open')
        control.close()


def test_requests_that_make_no_sense_are_usage(server):
    server.start()
    control = server.control()
    for number, request in enumerate([
            {}, {'command': 'fly'}, {'command': 'status', 'args': []}, {'command': 'status', 'args': {'x': 'y'}},
            {'command': 'account add', 'args': {'jid': 'x@a.example'}},
            {'command': 'account add', 'args': {'jid': 1, 'password': 'y'}},
            {'command': 'account add', 'args': {'jid': ['x@a.example'], 'password': 'y'}},
            {'command': 'account import', 'args': {'file': 'text'}}], 1):
        control.send(id=number, **request)
        rows, end = control.read_answer()
        same((rows, end['id'], end['ok'], end['code']), ([], number, False, 'usage'), str(request))
    rows, end = control.ask('account add', jid='not an address', password='x')
    same(end['code'], 'invalid')
    rows, end = control.ask('session list', host='b.example')
    same(end['code'], 'not-found')
    same(len(control.do('status')), 1)


def test_a_line_has_64_kib(server):
    server.start()
    frame = b'{"id":1,"command":"account add","args":{"jid":"x@a.example","password":""}}'
    control = server.control()
    control.send_bytes(frame.replace(b'""', b'"' + b'x' * (65535 - len(frame)) + b'"') + b'\n')
    same(control.read()['id'], 1)
    control.send_bytes(b'x' * 65536)
    same(control.read(), {'ok': False, 'code': 'limit', 'error': 'A line has at most 64 KiB.'})
    check(is_closed(control), 'the connection is open')


def test_lines_may_come_in_pieces_and_together(server):
    server.start()
    control = server.control()
    for byte in b'{"id":1,"command":"module list"}\n':
        control.send_bytes(bytes([byte]))
    rows, end = control.read_answer()
    same([row['row']['module'] for row in rows], ['ping', 'version'])
    control.send_bytes(b'{"id":2,"command":"status"}\n{"id":3,"command":"status"}\n')
    same({control.read_answer()[1]['id'], control.read_answer()[1]['id']}, {2, 3})


def test_sixteen_requests_may_be_open(server):
    server.start()
    server.do('account add', jid='x@a.example', password='some-word')
    control = server.control()
    for number in range(1, 18):
        control.send(id=number, command='trace', args={'jid': 'x@a.example'})
    end = control.read()
    same((end['id'], end['code']), (17, 'limit'))
    control.send(id=5, cancel=True)
    same(control.read(), {'id': 5, 'ok': True})
    control.send(id=99, cancel=True)
    control.send(id=5, command='status')
    rows, end = control.read_answer()
    same((end['id'], end['ok']), (5, True))
    control.send(id=7, command='status')
    same(control.read()['code'], 'invalid', 'an id that is in use')


def test_sixty_four_connections(server):
    server.start()
    controls = [server.control() for _ in range(64)]
    for control in controls:
        control.do('status')
    late = server.control()
    same(late.read()['code'], 'limit')
    check(is_closed(late), 'the connection is open')
    controls.pop().close()
    wait_until(lambda: server.ask('status')[1]['ok'], 'a place')
    for control in controls:
        control.close()


def test_help_describes_the_commands(server):
    server.start()
    control = server.control()
    rows, end = control.ask('help')
    same((end['protocol'], end['server'].split()[0]), (1, 'hermod'))
    commands = [line['row']['command'] for line in rows]
    same(commands, sorted(commands))
    check('test drain' not in commands and 'reload' in commands, commands)
    rows, end = control.ask('help', command='account add')
    same(len(rows), 1)
    same(rows[0]['row']['args'], [{'name': 'jid', 'type': 'jid'}, {'name': 'password', 'type': 'secret'}])
    rows, end = control.ask('help', command='acc')
    same(rows, [])
    rows, end = control.ask('help', command='log level')
    same([arg['type'] for arg in rows[0]['row']['args']][2], 'duration')


def test_a_stream_ends_when_it_is_cancelled_or_the_server_stops(server):
    server.start()
    server.do('account add', jid='x@a.example', password='some-word')
    control = server.control()
    control.send(id=1, command='trace', args={'jid': 'x@a.example'})
    control.send(id=2, command='trace', args={'jid': 'x@a.example'})
    control.send(id=1, cancel=True)
    same(control.read(), {'id': 1, 'ok': True})
    same(server.stop(), 0)
    end = control.read()
    same((end['id'], end['ok'], end['code']), (2, False, 'cancelled'))
    check(is_closed(control), 'the connection is open')


def test_many_lines_of_input(server):
    server.start()
    control = server.control()
    control.send(id=1, command='account import', args={'file': True})
    for number in range(600):
        control.send(id=1, line=f'u{number}@a.example,word-{number}')
    control.send(id=1, line='nobody')
    control.send(id=1, end=True)
    rows, end = control.read_answer()
    same(([row['row']['line'] for row in rows], end['ok']), ([601], True), str(end))
    control.send(id=1, line='late')
    same(len(control.do('account list')), 600)


def test_input_that_is_cut_off_or_cancelled(server):
    server.start()
    control = server.control()
    control.send(id=1, command='account import', args={'file': True})
    control.send(id=1, line='u1@a.example,word')
    control.send(id=1, cancel=True)
    same(control.read_answer()[1]['code'], 'cancelled')
    control.send(id=1, line='u2@a.example,word')
    control.send(id=2, command='account import', args={'file': True})
    control.send(id=2, line='u3@a.example,word')
    control.close()
    wait_until(lambda: [row['jid'] for row in server.do('account list')] == ['u1@a.example', 'u3@a.example'],
               'what had begun')


def test_config_show_is_a_configuration(server):
    server.configure(top='shutdown_timeout 7 s')
    server.start()
    text = ''.join(row['text'] for row in server.do('config show'))
    check('shutdown_timeout 7 s' in text and 'host a.example {' in text, text)
    server.stop()
    server.write_config(text)
    same(server.run('--check-config'), (0, 'configuration is fine\n', ''))


def test_secrets_are_not_logged(server):
    server.configure(top='log { level debug }')
    server.start()
    server.do('account add', jid='x@a.example', password='quite-secret')
    check('quite-secret' not in server.log(), 'the password is in the log')


def test_full_of_connections_it_answers_and_reloads(server):
    """Who takes all descriptors is best seen from here.  That it happens is said once."""
    server.start(descriptors=64)
    clients = []
    for _ in range(3):
        for _ in range(60):
            try:
                clients.append(server.connect())
            except OSError:
                break
        wait_until(lambda: "can't be accepted" in server.log(), 'exhausted')
        server.do('status')
        server.do('reload')
        for client in clients[:20]:
            client.close()
        del clients[:20]
    for client in clients:
        client.close()
    check(server.log().count("can't be accepted") == 1, server.log())
