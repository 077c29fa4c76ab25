# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""The client's side of SASL PLAIN (RFC 4616) and SCRAM (RFC 5802, RFC 7677), with
channel binding (RFC 5929 tls-server-end-point, RFC 9266 tls-exporter)."""

import base64
import ctypes
import functools
import hashlib
import hmac
import os

HASHES = {'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512'}


class SaslError(Exception):
    """The server's message is not what the mechanism demands."""


def b64(data):
    return base64.b64encode(data).decode()


@functools.lru_cache(maxsize=512)
def salted_password(hash_name, password, salt, rounds):
    return hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, rounds)


def server_end_point(tls):
    """RFC 5929 4.1; the runner's certificates are signed with SHA-256."""
    return hashlib.sha256(tls.getpeercert(True)).digest()


def exporter(tls):
    """RFC 9266.  Python's ssl cannot export keying material before 3.13 or so, libssl
    can: the SSL pointer is the second field of CPython's socket object."""
    lib = ctypes.CDLL('libssl.so.3')
    pointer = ctypes.cast(id(tls._sslobj), ctypes.POINTER(ctypes.c_void_p))[3]
    out = ctypes.create_string_buffer(32)
    label = b'EXPORTER-Channel-Binding'
    lib.SSL_export_keying_material.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
        ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    if lib.SSL_export_keying_material(pointer, out, 32, label, len(label), b'', 0, 1) != 1:
        raise SaslError('no keying material to export')
    return out.raw


BINDINGS = {'tls-server-end-point': server_end_point, 'tls-exporter': exporter}


class Plain:
    def __init__(self, user, password, authzid=''):
        self.first = f'{authzid}\0{user}\0{password}'.encode()

    def respond(self, _challenge):
        raise SaslError('PLAIN has no challenges')

    def finish(self, _data):
        pass


class Scram:
    """One exchange.  binding is a channel binding type or None; claim overrides the
    GS2 flag, to lie about what the server offers; data falsifies the binding."""

    def __init__(self, mechanism, user, password, tls=None, binding=None, claim=None, data=None,
                 authzid=''):
        self.hash_name = HASHES[mechanism.removesuffix('-PLUS')]
        self.password = password
        plus = mechanism.endswith('-PLUS')
        flag = claim or (f'p={binding}' if plus else 'n')
        name = user.replace('=', '=3D').replace(',', '=2C')
        self.gs2 = f'{flag},{"a=" + authzid if authzid else ""},'
        self.cb_input = self.gs2.encode()
        if flag.startswith('p='):
            self.cb_input += data if data is not None else BINDINGS[binding](tls)
        self.nonce = b64(os.urandom(18))
        self.first_bare = f'n={name},r={self.nonce}'
        self.first = (self.gs2 + self.first_bare).encode()
        self.server_signature = None
        self.finished = False

    def hmac(self, key, text):
        return hmac.new(key, text, self.hash_name).digest()

    def respond(self, challenge):
        if self.server_signature is not None:  # the server's final message as a challenge
            self.finish(challenge)
            return b''
        text = challenge.decode()
        fields = dict(part.split('=', 1) for part in text.split(','))
        nonce, salt, rounds = fields['r'], base64.b64decode(fields['s'], validate=True), int(fields['i'])
        if not nonce.startswith(self.nonce) or nonce == self.nonce:
            raise SaslError('the server did not add to the nonce')
        salted = salted_password(self.hash_name, self.password, salt, rounds)
        client_key = self.hmac(salted, b'Client Key')
        stored_key = hashlib.new(self.hash_name, client_key).digest()
        without_proof = f'c={b64(self.cb_input)},r={nonce}'
        signed = f'{self.first_bare},{text},{without_proof}'.encode()
        signature = self.hmac(stored_key, signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_signature = self.hmac(self.hmac(salted, b'Server Key'), signed)
        return f'{without_proof},p={b64(proof)}'.encode()

    def finish(self, data):
        if self.finished and not data:
            return
        if data != f'v={b64(self.server_signature or b"")}'.encode():
            raise SaslError('the server did not prove that it knows the password')
        self.finished = True


def start(mechanism, user, password, **options):
    if mechanism == 'PLAIN':
        return Plain(user, password, options.get('authzid', ''))
    return Scram(mechanism, user, password, **options)
