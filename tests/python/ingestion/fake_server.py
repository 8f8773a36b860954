"""A vendor of a few endpoints on 127.0.0.1, held in memory: what it says is a subclass's business."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit


class FakeServer:
    """`script` is a list of (status, headers, body) to answer first, `calls` what was asked (method and path)."""

    def __init__(self):
        self.script, self.calls = [], []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                fake.handle(self)

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, request):
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length)) if length else {}
        asked = urlsplit(request.path)
        self.calls.append((request.command, asked.path))
        if self.script:
            status, headers, text = self.script.pop(0)
            return self.answer(request, status, text, headers)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        return self.reply(request, asked.path, query, body)

    def reply(self, request, path, query, body):
        raise NotImplementedError

    @staticmethod
    def answer(request, status, text, headers=None):
        data = text if isinstance(text, bytes) else text.encode()
        request.send_response_only(status)  # no Date of its own
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)
