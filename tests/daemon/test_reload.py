# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""SIGHUP and `reload`."""

import os
import signal
import socket
import ssl

from server import Failed, check, make_certificate, same, wait_until


def reload(server):
    return {row['change']: row['effect'] for row in server.do('reload')}


def can_connect(server, port):
    try:
        server.connect(port).close()
    except ConnectionRefusedError:
        return False
    return True


def peer_name(server, sni):
    """What the certificate's subject says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with server.connect(5223) as plain, context.wrap_socket(plain, server_hostname=sni) as tls:
        der = tls.getpeercert(True)
    return der


def test_sighup_applies_the_log_level(server):
    server.start()
    server.configure(top='log { level error }')
    server.tell(signal.SIGHUP)
    wait_until(lambda: 'level error' in show(server), 'the new level')
    before = server.log()
    server.do('status')
    same(server.log(), before, 'a command is logged at level info')


def show(server, **args):
    return ''.join(row['text'] for row in server.do('config show', **args))


def test_what_needs_a_restart_is_named_until_it_comes(server):
    server.start()
    server.configure(top='workers 3\nstorage { queue 1 MiB }\nlimits { resources 7 }')
    same(reload(server), {'workers': 'after a restart', 'storage.queue': 'after a restart', 'limits.resources': 'now'})
    server.wait_for_log('msg="a change needs a restart" key=workers')
    same(reload(server), {'workers': 'after a restart', 'storage.queue': 'after a restart'})
    server.configure()
    same(reload(server), {'limits.resources': 'now'})


def test_a_wrong_file_changes_nothing(server):
    server.configure(top='limits { resources 7 }')
    server.start()
    server.configure(top='limits { resources 8 }\nworker 2', host='admins [ x ]')
    rows, end = server.ask('reload')
    same((end['ok'], end['code']), (False, 'invalid'))
    check([row['mistake'] for row in rows][0].startswith(f'{server.config_path}:4: '), rows)
    same(len(rows), 2, 'mistakes')
    rows, end = server.ask('config check')
    same((len(rows), end['ok']), (2, False))
    server.tell(signal.SIGHUP)
    server.wait_for_log('the configuration was not reloaded')
    check('resources 7' in show(server), 'the old limit is not in force')
    server.configure()
    same(server.ask('config check')[1]['ok'], True)


def test_ports_come_and_go(server):
    server.start()
    kept = server.connect()
    check(not can_connect(server, 5333), 'the port is open too early')
    server.configure(top=f'listen more {{ port 5333  addresses [ {server.address} ] }}')
    same(reload(server), {'listen (1 opened, 0 closed)': 'now'})
    check(can_connect(server, 5333) and can_connect(server, 5222), 'a port is not open')
    server.configure(listen=False, top=f'listen more {{ port 5333  addresses [ {server.address} ] }}')
    same(reload(server), {'listen (0 opened, 2 closed)': 'now'})
    wait_until(lambda: not can_connect(server, 5222), 'the old port closes')
    check(can_connect(server, 5333), 'the port that stays is closed')
    kept.sendall(b' ')
    kept.close()


def test_a_port_that_cannot_be_had_changes_nothing(server):
    other = socket.create_server((server.address, 5444))
    server.start()
    server.configure(top=f'limits {{ resources 7 }}\nlisten more {{ port 5444  addresses [ {server.address} ] }}',
                     rest='host b.example {\ncertificate cert.crt\nkey cert.key\nmodules [ ping ]\n}')
    end = server.ask('reload')[1]
    same(end['ok'], False)
    check('resources 20' in show(server), 'the new limit is in force')
    same([row['host'] for row in server.do('module list')], ['a.example', 'a.example'])
    other.close()
    same(reload(server), {'limits.resources': 'now', 'host b.example': 'now', 'listen (1 opened, 0 closed)': 'now'})


def test_hosts_and_modules(server):
    server.start()
    server.configure(modules='modules [ ping time ]', host='admins [ x@a.example ]',
                     rest='host b.example {\ncertificate cert.crt\nkey cert.key\nmodules [ ping ]\n}\n'
                          'host c.example {\ncertificate cert.crt\nkey cert.key\nmodules [ roster ]\n}')
    same(reload(server), {'host a.example: admins': 'now', 'host a.example: without module version': 'after a restart',
                          'host a.example: module time': 'after a restart', 'host b.example': 'now',
                          'host c.example': 'after a restart'})
    server.do('account add', jid='x@b.example', password='some-word')
    same(server.ask('account add', jid='x@c.example', password='some-word')[1]['ok'], False)
    server.configure()
    same(reload(server), {'host a.example: admins': 'now', 'without host b.example': 'after a restart'})
    same([row['jid'] for row in server.do('account list')], ['x@b.example'])


def test_keys_of_modules(server):
    server.start()
    for _ in range(3):
        server.configure(host='module version { show_os yes }')
        same(reload(server), {'host a.example: module version: show_os': 'now'})
        check('show_os yes' in show(server, host='a.example'), 'it is not shown')
        server.configure()
        same(reload(server), {'host a.example: module version: show_os': 'now'})
    same(reload(server), {})


def test_new_certificates(server):
    server.start()
    before = peer_name(server, 'a.example')
    make_certificate(server.directory, 'new', 'a.example')
    os.replace(server.path('new.crt'), server.certificate)
    os.replace(server.path('new.key'), server.key)
    reload(server)
    check(peer_name(server, 'a.example') != before, 'the old certificate is still used')
    with open(server.key, 'w', encoding='ascii') as file:
        file.write('broken')
    after = peer_name(server, 'a.example')
    same(server.ask('reload')[1]['ok'], False)
    same(peer_name(server, 'a.example'), after, 'the certificate after a failed reload')


def test_a_log_that_was_moved_away_is_made_again(server):
    server.configure(top='log { file server.log }')
    server.start()
    os.rename(server.path('server.log'), server.path('old.log'))
    server.tell(signal.SIGHUP)
    server.wait_for_log('configuration reloaded', 'server.log')


def test_no_connection_is_dropped(server):
    server.start()
    client = server.connect()
    client.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                   b"to='a.example' version='1.0'>")
    wait_until(lambda: b'</stream:features>' in client.recv(4096, socket.MSG_PEEK), 'features')
    client.recv(4096)
    server.configure(top='c2s { idle_time 5 min }')
    reload(server)
    client.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    if b'proceed' not in client.recv(4096):
        raise Failed('the stream does not go on')
    client.close()
