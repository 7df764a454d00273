"""A front of sf-exchange whose answers a test may rewrite.

    with RestProxy(world.exchange.url, change) as proxy:     # change(path, query, rows) -> rows, or (status, body)
        queue.run_to_end(BINANCE_API_URL=proxy.url)
"""

import http.server
import json
import threading
import urllib.parse

from flow import http as ask


class RestProxy:
    def __init__(self, behind, change):
        self.behind, self.change = behind, change
        self.asked = []  # (path, {name: value}) in order of arrival
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                proxy.answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append((url.path, query))
        status, body = ask("GET", self.behind + handler.path)
        if status == 200:
            changed = self.change(url.path, query, body)
            status, body = changed if isinstance(changed, tuple) else (200, changed)
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except BrokenPipeError:  # the program under test has ended
            handler.close_connection = True

    def count(self, name):
        """How often the endpoint @name was asked."""
        return sum(path.endswith("/" + name) for path, _ in self.asked)
