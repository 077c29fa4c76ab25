# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""Start and stop."""

import os
import pwd
import signal
import socket
import stat
import time

from server import TIMEOUT, Failed, Server, check, same, wait_until


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_it_starts_and_ends_well(server):
    server.start()
    same(mode(server.path('data')), 0o700, 'mode of the data directory')
    same(mode(server.path('run')), 0o750, 'mode of the run directory')
    same(mode(server.path('run/control.sock')), 0o660, 'mode of the control socket')
    server.connect().close()
    same(server.stop(), 0, 'status')
    check(not os.path.exists(server.path('run/control.sock')), 'the control socket is still there')
    try:
        server.connect()
    except ConnectionRefusedError:
        pass
    else:
        raise Failed('the port is still open')
    server.start()
    same(server.stop(signal.SIGINT), 0, 'status')


def test_it_tells_when_it_is_ready(server):
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.settimeout(TIMEOUT * 2)
    told.bind(server.path('notify'))
    server.spawn(env={'NOTIFY_SOCKET': server.path('notify')})
    same(told.recv(100), b'READY=1')
    server.connect().close()
    server.control().close()
    server.stop()
    same(told.recv(100), b'STOPPING=1')
    told.close()


def cannot_start_beside(server, other, said):
    try:
        server.start()
        status, _, error = other.run()
        same(status, 1)
        check(said in error, error)
    finally:
        other.end()
    server.do('status')


def other_with(data, run):
    other = Server()
    other.write_config(f'data_directory "{data}"\nrun_directory "{run}"\n'
                       f'listen c2s {{ port 5222  addresses [ {other.address} ] }}\n'
                       'host a.example {\n\tcertificate cert.crt\n\tkey cert.key\n\tmodules [ ping ]\n}\n')
    return other


def test_one_server_per_data_directory(server):
    data = server.path('data')
    cannot_start_beside(server, other_with(data, run='run'), said=data)


def test_one_server_per_port(server):
    other = Server()
    other.address = server.address
    other.configure()
    cannot_start_beside(server, other, said='5222')


def test_one_server_per_control_socket(server):
    cannot_start_beside(server, other_with('data', run=server.path('run')), said='control.sock')


def test_what_a_killed_server_left_is_no_obstacle(server):
    server.start()
    server.do('account add', jid='x@a.example', password='secret-word')
    server.kill()
    check(os.path.exists(server.path('run/control.sock')), 'SIGKILL cannot be handled')
    server.start()
    same([row['jid'] for row in server.do('account list')], ['x@a.example'])


def test_directories_above_are_made(server):
    server.configure(top='')
    with open(server.config_path, encoding='utf-8') as file:
        text = file.read()
    server.write_config(text.replace('data_directory data', 'data_directory deep/er/data'))
    server.start()
    same(mode(server.path('deep/er/data')), 0o700)


def test_a_data_directory_that_cannot_be_is_told(server):
    with open(server.path('data'), 'w', encoding='ascii'):
        pass
    status, _, error = server.run()
    check(status == 1 and 'data' in error, error)


def test_a_path_that_is_too_long_for_a_socket_is_told(server):
    with open(server.config_path, encoding='utf-8') as file:
        text = file.read()
    server.write_config(text.replace('run_directory run', 'run_directory ' + 'r' * 120))
    status, _, error = server.run()
    check(status == 1 and 'run_directory' in error, error)


def test_a_stuck_client_does_not_hold_up_the_end(server):
    server.configure(top='shutdown_timeout 300 ms')
    server.start()
    client = server.connect()
    client.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                   b"to='a.example' version='1.0'>")
    wait_until(lambda: client.recv(4096, socket.MSG_PEEK), 'features')
    begin = time.monotonic()
    same(server.stop(), 0, 'status')
    check(time.monotonic() - begin < TIMEOUT, 'the end took too long')
    client.close()


def test_a_second_signal_does_not_wait(server):
    server.configure(top='shutdown_timeout 1 min\nc2s { close_timeout 1 min }')
    server.start()
    client = server.connect()
    client.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                   b"to='a.example' version='1.0'>")
    wait_until(lambda: client.recv(4096, socket.MSG_PEEK), 'features')
    server.tell(signal.SIGTERM)
    server.wait_for_log('msg=stopping')
    same(server.stop(), 0, 'status')
    client.close()


def test_signals_while_it_starts(server):
    for delay in range(0, 40, 4):
        server.spawn()
        time.sleep(delay / 1000)
        server.tell(signal.SIGHUP)
        status = server.stop()
        # Before main() has blocked them, the signals have their usual effect.
        check(status in (0, -signal.SIGHUP, -signal.SIGTERM), f'status {status} after {delay} ms:\n{server.log()}')


def test_out_of_descriptors_it_goes_on(server):
    server.start(descriptors=64)
    clients = []
    for _ in range(100):
        try:
            clients.append(server.connect())
        except OSError:
            break
    for client in clients:
        client.close()
    wait_until(lambda: works(server), 'new connections')
    check(server.process.poll() is None, 'it has ended')


def works(server):
    try:
        server.do('status')
        client = server.connect()
        client.settimeout(0.5)
        client.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                       b"to='a.example' version='1.0'>")
        answer = client.recv(4096)
        client.close()
    except (OSError, Failed):
        return False
    return b'stream' in answer


def test_a_log_file_has_the_lines(server):
    server.configure(top='log { file server.log  format json }')
    server.start()
    server.wait_for_log('"msg":"ready"', 'server.log')
    same(server.log(), '', 'standard error')


def test_root_becomes_the_user(server):
    """Only root can try; nobody is always there."""
    server.configure(top='user nobody\nlog { file server.log }')
    if os.geteuid() != 0:
        status, _, error = server.run()
        check(status == 1 and 'only root' in error, error)
        return
    os.chmod(server.directory, 0o755)
    os.chmod(server.key, 0o644)
    server.start()
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as file:
        ids = [line.split()[1:5] for line in file if line.startswith('Uid:')]
    nobody = str(pwd.getpwnam('nobody').pw_uid)
    same(ids, [[nobody] * 4])
    server.do('account add', jid='x@a.example', password='some-word')
    server.do('reload')
    same(server.stop(), 0)
    server.start()
    server.configure(top='user no-such-user')
    status, _, error = server.run()
    check(status == 1 and 'no-such-user' in error, error)
