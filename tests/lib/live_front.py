"""A live market with a present that the test moves: trades of sf-exchange, shown as if they happened now.

    with LiveFront(world.exchange.url, {"BTCUSDT": first_id}) as front:
        queue.loader(**front.env())
        front.advance("BTCUSDT", 100)      # 100 more trades happen, streams show them
        front.cut()                        # every connection is dropped

REST shows what has happened, streams show what happens. It does what a well-behaved exchange never does only when
told: frames dropped, sent twice or garbled, REST that lags.
"""

import base64
import hashlib
import json
import socket
import struct
import threading
import urllib.parse

from rest_proxy import RestProxy
from flow import http

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
AHEAD = 1000


def frame_of(data):
    size = len(data)
    if size < 126:
        return bytes([0x81, size]) + data
    return struct.pack(">BBH" if size < 65536 else ">BBQ", 0x81, 126 if size < 65536 else 127, size) + data


class Connection:
    """One client of the streams; a thread reads what it says, others send."""

    def __init__(self, front, sock):
        self.front, self.sock = front, sock
        self.lock = threading.Lock()
        self.streams = set()
        self.is_open = False

    def serve(self):
        try:
            data = b""
            while b"\r\n\r\n" not in data:
                piece = self.sock.recv(65536)
                if not piece:
                    return
                data += piece
            head = data.split(b"\r\n")
            url = urllib.parse.urlsplit(head[0].split(b" ")[1].decode())
            self.streams = set(urllib.parse.parse_qs(url.query).get("streams", [""])[0].split("/"))
            key = next(line.split(b":", 1)[1].strip() for line in head if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            if not self.front.admit(self):
                self.sock.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            with self.lock:
                self.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                self.is_open = True
            while True:
                data = self.sock.recv(65536)
                if not data or data[0] & 15 == 8:  # a close frame
                    return
        except OSError:
            pass
        finally:
            self.drop()

    def send(self, *texts):
        """Text frames, all at once."""
        data = b"".join(frame_of(text.encode()) for text in texts)
        try:
            with self.lock:
                if self.is_open:
                    self.sock.sendall(data)
        except OSError:
            self.drop()

    def drop(self):
        self.is_open = False
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        self.front.forget(self)


class LiveFront:
    def __init__(self, behind, first_ids, kind="trades"):
        self.kind = kind
        self.ident = "id" if kind == "trades" else "a"
        self.endpoint = "historicalTrades" if kind == "trades" else "aggTrades"
        self.suffix = "@trade" if kind == "trades" else "@aggTrade"
        self.now = dict(first_ids)       # symbol: the id that happens next
        self.rest_lag = {}               # symbol: ids that REST does not show yet
        self.refused = 0                 # so many connections are turned away
        self.rest = RestProxy(behind, self.show)
        self.rest_down = False
        self.behind = behind
        self.rows = {}                   # symbol: rows fetched ahead
        self.lock = threading.RLock()
        self.connections = []
        self.accepted = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def __enter__(self):
        self.rest.__enter__()
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.listener.close()
        self.cut()
        self.rest.__exit__(*exc)

    def env(self):
        return {"BINANCE_API_URL": self.rest.url,
                "BINANCE_WS_URL": f"ws://127.0.0.1:{self.listener.getsockname()[1]}"}

    # ------------------------------------------------------------------------- connections

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(self, sock).serve, daemon=True).start()

    def admit(self, connection):
        with self.lock:
            if self.refused > 0:
                self.refused -= 1
                return False
            self.accepted += 1
            self.connections.append(connection)
            return True

    def forget(self, connection):
        with self.lock:
            if connection in self.connections:
                self.connections.remove(connection)

    def open_connections(self):
        with self.lock:
            return [c for c in self.connections if c.is_open]

    def cut(self, connections=None):
        for connection in list(connections or self.connections):
            connection.drop()

    # ------------------------------------------------------------------------- the market

    def row(self, symbol, ident):
        """The exchange's row of an id."""
        known = self.rows.setdefault(symbol, {})
        if ident not in known:
            status, page = http("GET", f"{self.behind}/api/v3/{self.endpoint}?symbol={symbol}&fromId={ident}&limit={AHEAD}")
            assert status == 200, page
            known.clear()
            known.update({row[self.ident]: row for row in page})
        return known[ident]

    def frame(self, symbol, row):
        if self.kind == "trades":
            data = {"e": "trade", "E": row["time"], "s": symbol, "t": row["id"], "p": row["price"], "q": row["qty"],
                    "T": row["time"], "m": row["isBuyerMaker"], "M": True}
        else:
            data = {"e": "aggTrade", "E": row["T"], "s": symbol, **row}
        return json.dumps({"stream": symbol.lower() + self.suffix, "data": data}, separators=(",", ":"))

    def advance(self, symbol, count, dropped=(), doubled=(), connections=None):
        """@count more trades happen; streams show them but those whose place (from 0) is in @dropped."""
        texts = []
        for place in range(count):
            text = self.frame(symbol, self.row(symbol, self.now[symbol] + place))
            if place not in dropped:
                texts += [text] * (2 if place in doubled else 1)
        with self.lock:
            self.now[symbol] += count
            to = list(connections if connections is not None else self.connections)
        for connection in to:
            if texts and symbol.lower() + self.suffix in connection.streams:
                connection.send(*texts)

    def say(self, text):
        for connection in self.open_connections():
            connection.send(text)

    def shutdown(self):
        self.say('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1717200000000}}')

    def show(self, path, query, page):
        """REST: what has happened, and the exchange shows by now."""
        if self.rest_down and not path.endswith(("time", "exchangeInfo")):
            return 503, {"code": -1001, "msg": "down"}
        if path.endswith(self.endpoint):
            symbol = query["symbol"]
            shown = self.now[symbol] - self.rest_lag.get(symbol, 0)
            return [row for row in page if row[self.ident] < shown]
        return page
