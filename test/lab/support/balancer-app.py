"""A server for tests of balancers: keep-alive, a websocket handshake, /slow?MS, health that a file takes away."""
import base64
import hashlib
import os
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = socket.gethostname()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/ws":
            return self.tunnel()
        if self.path.startswith("/slow?"):
            time.sleep(int(self.path[6:]) / 1000)
        sick = self.path == "/healthz" and os.path.exists("/run/sick")
        body = f"{HOST} {self.path}\n".encode()
        self.send_response(503 if sick else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Host", HOST)
        self.end_headers()
        self.wfile.write(body)

    def tunnel(self):
        key = self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("X-Host", HOST),
                            ("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key).digest()).decode())):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while self.connection.recv(4096):
            pass

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


Server(("0.0.0.0", 8080), Handler).serve_forever()
