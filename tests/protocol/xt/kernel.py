# SPDX-License-Identifier: MIT
# Copyright 2026 the Hermod authors
"""How many bytes of a loopback connection are still under way: the kernel may take its
time to pass them on when the machine is busy."""

import fcntl
import socket
import struct
import termios
import time

SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
NETLINK_SOCK_DIAG = 4
NLM_F_REQUEST = 1
ANY_STATE = 0xffffffff
NO_COOKIE = b'\xff' * 8


def unsent(sock):
    """Bytes that our side has not got acknowledged."""
    return struct.unpack('i', fcntl.ioctl(sock, termios.TIOCOUTQ, b'\0' * 4))[0]


def unsent_by_peer(sock):
    """The same of the other end, which is on this machine, too; 0 when it cannot be told."""
    address, port = sock.getpeername()
    own_address, own_port = sock.getsockname()
    ident = struct.pack('!HH4s12x4s12xI8s', port, own_port, socket.inet_aton(address),
                        socket.inet_aton(own_address), 0, NO_COOKIE)
    request = struct.pack('BBBBI', socket.AF_INET, socket.IPPROTO_TCP, 0, 0, ANY_STATE) + ident
    header = struct.pack('IHHII', 16 + len(request), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
            diag.settimeout(1)
            diag.send(header + request)
            answer = diag.recv(4096)
    except OSError:
        return 0
    if struct.unpack('IH', answer[:6])[1] != SOCK_DIAG_BY_FAMILY:
        return 0  # an error: it is closed, or the kernel does not answer such questions
    return struct.unpack('I', answer[16 + 4 + 48 + 8:16 + 4 + 48 + 12])[0]


def settle(sockets, unread=(), patience=0.2):
    """Waits until nothing is under way, but for what comes to those that are not read.  Patience
    ends where the server does not read."""
    deadline = time.monotonic() + patience
    for sock in sockets:
        try:
            while ((unsent(sock) or (sock not in unread and unsent_by_peer(sock)))
                   and time.monotonic() < deadline):
                time.sleep(0.0005)
        except OSError:
            pass  # ended meanwhile
