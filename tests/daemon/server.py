# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A server in a folder of its own, started as a person would start it, and its control socket."""

import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TIMEOUT = float(os.environ.get('XT_TIMEOUT', '5'))
SANITIZERS = ('Sanitizer', ': runtime error: ')


class Failed(Exception):
    pass


class Skipped(Exception):
    """What the test needs is not here; the text says what."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def same(actual, wanted, what='value'):
    check(actual == wanted, f'{what}: expected {wanted!r}, got {actual!r}')


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while True:
        result = condition()
        if result:
            return result
        check(time.monotonic() < deadline, f'{what}: not in time')
        time.sleep(0.005)


def make_certificate(directory, name, domain):
    certificate, key = os.path.join(directory, f'{name}.crt'), os.path.join(directory, f'{name}.key')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-days', '2', '-subj', f'/CN={name}', '-addext', f'subjectAltName=DNS:{domain}',
                    '-keyout', key, '-out', certificate], check=True, capture_output=True)
    return certificate, key


class Control:
    """Lines in, lines out; no opinion about either."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.lines = self.socket.makefile('rb')
        self.last_id = 0

    def close(self):
        self.lines.close()
        self.socket.close()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, **request):
        self.send_bytes(json.dumps(request).encode() + b'\n')

    def read(self):
        """None: the server has closed."""
        try:
            line = self.lines.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line else None

    def read_answer(self):
        """(rows, the last line)"""
        rows = []
        while True:
            line = self.read()
            check(line is not None, 'the control connection was closed')
            if 'ok' in line:
                return rows, line
            rows.append(line)

    def ask(self, command, /, **args):
        self.last_id += 1
        self.send(id=self.last_id, command=command, args=args)
        return self.read_answer()

    def do(self, command, /, **args):
        rows, end = self.ask(command, **args)
        check(end['ok'], f'"{command}" failed: {end}')
        return [line['row'] for line in rows]


class Server:
    build = None

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix='hermod-daemon-')
        # An address of its own, so that tests may run beside anything.
        self.address = f'127.{random.randint(2, 250)}.{random.randint(0, 255)}.{random.randint(1, 254)}'
        self.process = None
        self.certificate, self.key = make_certificate(self.directory, 'cert', 'a.example')
        self.config_path = self.path('hermod.conf')
        self.configure()

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, top='', host='', rest='', listen=True, modules='modules [ ping version ]'):
        """The usual file with something more at the top, in the host's block, or at the end."""
        ports = ''.join(f'listen {kind} {{ type {kind}  port {port}  addresses [ {self.address} ] }}\n'
                        for kind, port in (('c2s', 5222), ('c2s-tls', 5223)))
        self.write_config(f'data_directory data\nrun_directory run\n{top}\n{ports if listen else ""}'
                          f'host a.example {{\n\tcertificate cert.crt\n\tkey cert.key\n\t{modules}\n{host}\n}}\n{rest}\n')

    def write_config(self, text):
        with open(self.config_path, 'w', encoding='utf-8') as file:
            file.write(text)

    def argv(self, *options):
        return [os.path.join(self.build, 'src', 'daemon', 'hermod'), '--config', self.config_path,
                '--module-path', os.path.join(self.build, 'modules'), *options]

    def run(self, *options):
        """To its end: (status, standard output, standard error)"""
        done = subprocess.run(self.argv(*options), cwd='/', capture_output=True, text=True, timeout=TIMEOUT * 4,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def spawn(self, descriptors=None, env=None):
        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        with open(self.path('log'), 'ab') as log:
            self.process = subprocess.Popen(self.argv(), cwd='/', stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(os.environ, **(env or {})), preexec_fn=limit)

    def start(self, **how):
        self.spawn(**how)
        wait_until(self.answers, 'start')

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f'the server has ended with status {self.process.returncode}:\n{self.log()}')
        try:
            self.control().close()
        except OSError:
            return False
        return True

    def control(self):
        return Control(self.path('run/control.sock'))

    def do(self, command, /, **args):
        control = self.control()
        try:
            return control.do(command, **args)
        finally:
            control.close()

    def ask(self, command, /, **args):
        control = self.control()
        try:
            rows, end = control.ask(command, **args)
            return [line['row'] for line in rows], end
        finally:
            control.close()

    def tell(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """The status."""
        self.tell(number)
        status = self.process.wait(TIMEOUT * 3)
        self.process = None
        return status

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def log(self, name='log'):
        try:
            with open(self.path(name), encoding='utf-8', errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def wait_for_log(self, text, name='log'):
        wait_until(lambda: text in self.log(name), f'"{text}" in the log')

    def connect(self, port=5222):
        return socket.create_connection((self.address, port), TIMEOUT)

    def end(self):
        """What every test is checked for, and cleaned up."""
        try:
            if self.process and self.process.poll() is None:
                status = self.stop()
                check(status == 0, f'the server ended with status {status}:\n{self.log()[-4000:]}')
            check(not any(word in self.log() for word in SANITIZERS), f'a sanitizer reports:\n{self.log()[-8000:]}')
        finally:
            if self.process and self.process.poll() is None:
                self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
