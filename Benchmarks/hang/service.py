"""An HTTP server that notes when it listens: `service.py PORT FILE`."""

import http.server
import os
import sys
import time


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer)
with open(sys.argv[2], "a") as notes:
    notes.write(f"{os.getpid()} {time.monotonic()}\n")
server.serve_forever()
