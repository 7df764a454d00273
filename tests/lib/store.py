"""A running sf-store and plain HTTP to it.

    with Store(tmp_path) as store:
        status, headers, doc = store.call("GET", "/_api/version")
"""

import base64
import http.client
import json

from sfproc import Proc

PASSWORD = "test-root"


class Store:
    """One sf-store on a folder; may be killed and started again on it."""

    def __init__(self, folder, *args, password=PASSWORD):
        self.folder, self.args, self.password = folder, args, password
        self.proc = None
        self.port = 0

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.kill()

    def start(self):
        self.proc = Proc("sf-store", {"SF_STORE_ROOT_PASSWORD": self.password}, self.folder,
                         ["--listen", "127.0.0.1:0", "--data", str(self.folder / "data"), *self.args])
        self.port = int(self.proc.wait_event("listening")["port"])
        return self

    def kill(self):
        if self.proc:
            self.proc.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def authorization(self, user="root", password=None):
        """The value of that header."""
        secret = f"{user}:{self.password if password is None else password}".encode()
        return "Basic " + base64.b64encode(secret).decode()

    def call(self, method, path, body=None, user="root", password=None, headers=None, conn=None):
        """(status, headers, parsed body); a dict or list as @body is sent as JSON."""
        own = conn or self.connection()
        if not isinstance(body, (bytes, str, type(None))):
            body = json.dumps(body)
        send = dict(headers or {})
        if user:
            send["Authorization"] = self.authorization(user, password)
        own.request(method, path, body=body, headers=send)
        answer = own.getresponse()
        text = answer.read()
        if conn is None:
            own.close()
        return answer.status, answer.headers, json.loads(text) if text else None

    def good(self, method, path, body=None, **kw):
        """The body of an answer that must be 2xx."""
        status, _, doc = self.call(method, path, body, **kw)
        assert 200 <= status < 300, f"{method} {path}: {status} {doc}"
        return doc
