"""HTTPS in front of a plain HTTP server, under a certificate of a test authority."""

import http.client
import http.server
import ssl
import subprocess
import threading
import urllib.parse

HOP = {"connection", "keep-alive", "transfer-encoding"}


def make_authority(folder, names):
    """ca.pem, and server.pem (key and chain) for @names, in @folder."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=sf-test-front")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=front")
    (folder / "server.ext").write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in names))
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "server.crt", "-days", "2", "-extfile", "server.ext")
    (folder / "server.pem").write_text("".join((folder / f).read_text() for f in ("server.key", "server.crt")))
    (folder / "ca.pem").chmod(0o644)


class Forward(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        back = http.client.HTTPConnection(self.server.target, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP | {"host"}}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        back.request(self.command, self.path, body=body, headers=headers)
        answer = back.getresponse()
        data = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        back.close()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class TlsFront:
    """with TlsFront("http://127.0.0.1:8080", folder) as front: ... front.port"""

    def __init__(self, url, folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.server.daemon_threads = True
        self.server.target = urllib.parse.urlsplit(url).netloc
        # The handshake belongs to the connection's thread: one bad client must not block all.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
