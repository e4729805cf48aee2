"""The same page by Python's http.server, as its library offers it: a thread for each connection."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"Hello, world!"


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        """Says nothing about each request."""


class Server(ThreadingHTTPServer):
    request_queue_size = 1000

    def handle_error(self, *_):
        """A client that went is nothing to talk about."""


server = Server(("127.0.0.1", 0), Hello)
print(f"port {server.server_address[1]}", flush=True)
server.serve_forever()
