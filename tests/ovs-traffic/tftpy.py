# Copyright (c) 2026 The ovs-datapath-plugins authors.
# SPDX-License-Identifier: Apache-2.0
"""As much of a TFTP server (RFC 1350) as OVS's test-l7.py asks for.

It looks for it in a module of this name, which Debian 12 does not have.
Options of requests are ignored; files can only be read, in mode "octet".
"""

import os
import socket
import struct

BLOCK_SIZE = 512
TIMEOUT_S = 1
RETRIES = 5

RRQ, DATA, ACK, ERROR = 1, 3, 4, 5


class TftpShared(object):
    DEF_TFTP_PORT = 69


class TftpServer(object):
    def __init__(self, tftproot):
        self.root = os.path.realpath(tftproot)

    def listen(self, address, port):
        """Serves one request after the other, for ever."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, int(port)))
        while True:
            request, client = sock.recvfrom(65535)
            fields = request[2:].split(b'\0')
            if (len(request) < 4 or len(fields) < 3
                    or struct.unpack('!H', request[:2])[0] != RRQ):
                continue
            # A transfer has a port of its own.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as transfer:
                transfer.connect(client)
                transfer.settimeout(TIMEOUT_S)
                try:
                    self.serve(transfer, os.fsdecode(fields[0]))
                except OSError:
                    pass                # The client has gone.

    def serve(self, sock, name):
        path = os.path.realpath(os.path.join(self.root, name.lstrip('/')))
        try:
            if os.path.dirname(path) != self.root:
                raise OSError('not in this folder')
            with open(path, 'rb') as f:
                data = f.read()
        except OSError as error:
            sock.send(struct.pack('!HH', ERROR, 1) + str(error).encode()
                      + b'\0')
            return
        # The last block is shorter than the others, maybe empty.
        for i in range(len(data) // BLOCK_SIZE + 1):
            block = data[i * BLOCK_SIZE:(i + 1) * BLOCK_SIZE]
            if not self.send_block(sock, (i + 1) & 0xffff, block):
                return

    def send_block(self, sock, number, block):
        """Returns true if the client has acknowledged it."""
        for _ in range(RETRIES):
            sock.send(struct.pack('!HH', DATA, number) + block)
            try:
                answer = sock.recv(65535)
                while answer[:4] != struct.pack('!HH', ACK, number):
                    if answer[:2] == struct.pack('!H', ERROR):
                        return False
                    answer = sock.recv(65535)
                return True
            except socket.timeout:
                continue
        return False
