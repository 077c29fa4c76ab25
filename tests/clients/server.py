# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The server under test: Hermod from the build tree, on loopback, with its data in one folder.

The clients trust it through a certificate authority of the test's own (ca.pem)
or by the certificate itself (cert.pem).
"""

import os
import re
import signal
import socket
import subprocess

from processes import Process, environment, tail, until

DOMAIN = "verona.example"
PASSWORD = "o-speak-again-bright-angel"
TROUBLE = re.compile(r'(^| )level=(warn|error)\b|"level":"(warn|error)"'
                     r"|AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion")


def free_ports(n):
    """Ports that are free now; all differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def make_certificates(folder):
    """An authority and, by it, the server's certificate; paths of ca, certificate and key."""
    ca, ca_key, cert, key, request, extensions = (
        os.path.join(folder, name) for name in
        ("ca.pem", "ca-key.pem", "cert.pem", "key.pem", "request.pem", "extensions"))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
    openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=Authority of the tests",
            "-addext", "keyUsage=critical,keyCertSign", "-keyout", ca_key, "-out", ca)
    openssl("req", *curve, "-subj", "/CN=" + DOMAIN, "-keyout", key, "-out", request)
    with open(extensions, "w") as file:
        file.write("subjectAltName=DNS:%s\nbasicConstraints=critical,CA:FALSE\n"
                   "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n" % DOMAIN)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-days", "2",
            "-extfile", extensions, "-out", cert)
    return ca, cert, key


class Server:
    domain = DOMAIN

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        os.makedirs(folder, exist_ok=True)
        self.ca, self.cert, self.key = make_certificates(folder)
        self.port, self.tls_port = free_ports(2)
        self.log = os.path.join(folder, "server.log")
        self.process = None

    # --- What depends on the server ------------------------------------------

    def configure(self):
        config = os.path.join(self.folder, "hermod.conf")
        with open(config, "w") as file:
            file.write("""\
data_directory "{folder}/db"
run_directory "{folder}/run"
listen plain {{ port {port}  addresses [ 127.0.0.1 ] }}
listen tls {{ type c2s-tls  port {tls_port}  addresses [ 127.0.0.1 ] }}
host {domain} {{
	certificate "{cert}"
	key "{key}"
	admins [ prince@{domain} ]
}}
""".format(folder=self.folder, port=self.port, tls_port=self.tls_port, domain=DOMAIN,
           cert=self.cert, key=self.key))
        os.makedirs(os.path.join(self.folder, "run"), mode=0o700, exist_ok=True)
        return [os.path.join(self.build, "src", "daemon", "hermod"), "--config", config,
                "--module-path", os.path.join(self.build, "modules")]

    def control(self, *arguments, given=""):
        return subprocess.run(
            [os.path.join(self.build, "cli", "hermodctl"), "--socket",
             os.path.join(self.folder, "run", "control.sock"), *arguments],
            input=given, text=True, capture_output=True, timeout=60)

    def is_ready(self):
        return self.control("status").returncode == 0

    def add_account(self, user):
        """Makes an account and returns its address."""
        done = self.control("account", "add", "%s@%s" % (user, DOMAIN), given=PASSWORD + "\n")
        if done.returncode != 0:
            raise AssertionError("no account %s: %s" % (user, done.stderr.strip()))
        return "%s@%s" % (user, DOMAIN)

    # --- What does not -------------------------------------------------------

    def start(self):
        self.process = Process("the server", self.configure(), self.log,
                               environment(self.folder), cwd=self.folder)
        until("the server to be ready", self.is_ready, alive=[self.process])

    def stop(self):
        """Ends it; fails if it did not end well or has complained."""
        if self.process is None:
            return
        if self.process.status() is None:
            self.process.popen.send_signal(signal.SIGTERM)
        status, self.process = self.process.wait(), None
        if status != 0:
            raise AssertionError("the server ended with status %d" % status)
        trouble = self.complaints()
        if trouble:
            raise AssertionError("the server's log has warnings or errors:\n    "
                                 + "\n    ".join(trouble[:20]))

    def kill(self):
        if self.process is not None:
            self.process.end()
            self.process = None

    def complaints(self):
        return [line for line in tail(self.log, 100000) if TROUBLE.search(line)]
