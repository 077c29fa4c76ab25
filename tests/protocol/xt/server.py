# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""A server under test: one process with a data directory, an address and a log of its
own.  Each server listens on an address of its own in 127.0.0.0/8, so that any number
may run beside each other on the usual ports."""

import functools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from .client import Failure

REPORTS = re.compile(r'(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: |'
                     r'^hermod: assertion', re.MULTILINE)
COMPLAINT = re.compile(r'\blevel="?(warn|error)', re.IGNORECASE)

def folder():
    """For a server that is killed memory is as good as a disk, and no commit waits for it."""
    try:
        shared = os.statvfs('/dev/shm')
    except OSError:
        return None
    roomy = shared.f_bavail * shared.f_frsize > 256 << 20
    return '/dev/shm' if roomy and os.access('/dev/shm', os.W_OK) else None


_addresses = random.SystemRandom().sample(range(256, 65000), 20000)
_address_lock = threading.Lock()


def new_address():
    with _address_lock:
        number = _addresses.pop()
    return f'127.{random.randint(2, 250)}.{number >> 8}.{number & 255 or 1}'


@functools.lru_cache(maxsize=None)
def sanitized(program):
    """Is it built with a sanitizer, which needs memory of its own?"""
    with open(program, 'rb') as file:
        content = file.read()
    return b'__asan_init' in content or b'__tsan_init' in content


class Certificates:
    """Self-signed certificates, one for each domain, made when first asked for."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix='xt-certificates-')
        self.lock = threading.Lock()

    @functools.lru_cache(maxsize=None)
    def files(self, domain):
        with self.lock:
            certificate = os.path.join(self.directory, f'{domain}.pem')
            key = os.path.join(self.directory, f'{domain}.key')
            if not os.path.exists(certificate):
                subprocess.run(
                    ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
                     '-nodes', '-sha256', '-days', '2', '-subj', '/CN=test',
                     '-addext', f'subjectAltName=DNS:{domain}', '-keyout', key, '-out', certificate],
                    check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return certificate, key

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Server:
    """What is common to all servers; how one is configured and asked is for subclasses."""

    port, tls_port = 5222, 5223
    peer_port, peer_tls_port = 5269, 5270

    def __init__(self, options, cell, certificates):
        self.options = options
        self.cell = cell
        self.certificates = certificates
        self.address = new_address()
        self.directory = tempfile.mkdtemp(prefix='xt-', dir=folder())
        self.log_path = os.path.join(self.directory, 'log')
        self.process = None
        self.hosts = []
        self.places = {}  # bare JID to worker
        self.settings = {None: '', '': ''}  # see script.read_config
        self.far = None   # a second server
        self.known = {}   # domain to address, of servers besides those that the script plays
        self.listeners = {}  # where other servers that the script plays are connected to

    # Subclasses: ------------------------------------------------------------

    def write_config(self):
        raise NotImplementedError

    def argv(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def add_account(self, bare, password):
        raise NotImplementedError

    def drain(self):
        raise NotImplementedError

    def listen_as(self, domains):
        for domain in sorted(domains):
            self.listeners[domain] = socket.create_server((new_address(), self.peer_port))

    def address_of(self, domain):
        return self.known[domain] if domain in self.known else self.listeners[domain].getsockname()[0]

    # The process: -----------------------------------------------------------

    def certificate(self, domain):
        path = self.certificates.files(domain if domain in self.hosts else self.hosts[0])[0]
        with open(path, encoding='ascii') as file:
            return file.read()

    def start(self):
        self.write_config()
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(self.argv(), cwd=self.directory, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=self.environment())
        deadline = time.monotonic() + self.options.timeout * 2
        while not self.is_ready():
            if self.process.poll() is not None:
                raise Failure(f'the server did not start: {self.ending()}')
            if time.monotonic() > deadline:
                raise Failure('the server is not ready in time')
            time.sleep(0.005)

    def environment(self):
        env = dict(os.environ)
        env.setdefault('ASAN_OPTIONS', 'detect_leaks=1:abort_on_error=0')
        env.setdefault('UBSAN_OPTIONS', 'print_stacktrace=1:halt_on_error=1')
        env.setdefault('TSAN_OPTIONS', 'halt_on_error=0:second_deadlock_stack=1')
        return env

    def running(self):
        return self.process is not None and self.process.poll() is None

    def memory(self):
        """Resident bytes."""
        with open(f'/proc/{self.process.pid}/statm', encoding='ascii') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

    def ending(self):
        code = self.process.returncode
        return f'killed by signal {signal.Signals(-code).name}' if code < 0 else f'exit status {code}'

    def stop(self, meanwhile=lambda: None):
        """SIGTERM; the end must be orderly.  meanwhile lets the clients close their streams."""
        if self.process is None:
            return
        died_before = self.process.poll() is not None
        if not died_before:
            self.process.terminate()
            deadline = time.monotonic() + self.options.timeout * 2
            while self.process.poll() is None:
                meanwhile()
                if time.monotonic() > deadline:
                    self.kill()
                    raise Failure('the server did not end in time after SIGTERM')
                time.sleep(0.005)
        code, how = self.process.returncode, self.ending()
        self.process = None
        if died_before:
            raise Failure(f'the server has ended by itself: {how}')
        if code != 0:
            raise Failure(f'the server did not end well after SIGTERM: {how}')

    def dies(self):
        """By SIGKILL, which it sends to itself."""
        try:
            self.process.wait(self.options.timeout)
        except subprocess.TimeoutExpired:
            raise Failure('the server did not die') from None
        how = self.ending()
        if self.process.returncode != -signal.SIGKILL:
            raise Failure(f'the server died of something else: {how}')
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for listener in self.listeners.values():
            listener.close()
        if not self.options.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    # The log: ---------------------------------------------------------------

    def log(self):
        try:
            with open(self.log_path, encoding='utf-8', errors='replace') as file:
                return file.read()
        except FileNotFoundError:
            return ''

    def wait_for_log(self, text):
        deadline = time.monotonic() + self.options.timeout
        while True:
            if any(text in line for line in self.log().splitlines()):
                return
            if time.monotonic() > deadline:
                raise Failure(f'the log does not say "{text}"')
            time.sleep(0.02)

    def check_log(self, announced):
        """No sanitizer report, no complaint that the script did not expect."""
        log = self.log()
        if REPORTS.search(log):
            raise Failure('a sanitizer or an assertion reports:\n' + tail(log, 80))
        for line in log.splitlines():
            if COMPLAINT.search(line) and not any(text in line for text in announced):
                raise Failure(f'the server complains: {line}')


def tail(text, lines):
    return '\n'.join(f'    {line}' for line in text.splitlines()[-lines:])
