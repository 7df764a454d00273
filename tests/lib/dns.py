"""A DNS server on a loopback address of its own, for containers that resolve names.

The resolver of a C library asks port 53 and no other, so the address varies instead of
the port. Binding needs root; a PermissionError is the caller's reason to skip.
"""

import random
import socket
import struct
import threading

TYPE_A = 1
RCODE_NXDOMAIN = 3


class DnsServer:
    """Answers A questions from a table of names; anything else does not exist."""

    def __init__(self, names):
        self.names = {name.lower(): address for name, address in names.items()}
        self.asked = []
        self._socket = self._bind()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _bind(self):
        last = None
        for _ in range(20):
            address = f"127.{random.randrange(64, 250)}.{random.randrange(256)}.{random.randrange(1, 255)}"
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind((address, 53))
            except PermissionError:
                sock.close()
                raise
            except OSError as error:
                sock.close()
                last = error
                continue
            self.address = address
            return sock
        raise last

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # An empty datagram wakes the thread; closing the socket under recvfrom would not.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (self.address, 53))
        self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self):
        while True:
            packet, peer = self._socket.recvfrom(1500)
            if not packet:
                return
            if len(packet) > 16:
                self._socket.sendto(self._answer(packet), peer)

    def _answer(self, packet):
        """RFC 1035 section 4: header, the question as it came, at most one answer."""
        labels, at = [], 12
        while at < len(packet) and packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii", "replace"))
            at += 1 + packet[at]
        question = packet[12 : at + 5]
        (kind,) = struct.unpack("!H", packet[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self.asked.append(name)
        address = self.names.get(name)
        answers = b""
        if address and kind == TYPE_A:
            answers = struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 30, 4) + socket.inet_aton(address)
        flags = 0x8180 | (0 if address else RCODE_NXDOMAIN)
        head = packet[:2] + struct.pack("!HHHHH", flags, 1, 1 if answers else 0, 0, 0)
        return head + question + answers
