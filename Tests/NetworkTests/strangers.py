"""A server that misbehaves as the path of the request says. Prints its port; /count says how many
connections there were. With a certificate and a key as arguments it speaks TLS."""

import gzip
import socketserver
import ssl
import sys
import threading

connections = 0
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def forever(send, piece, pause=0.0):
    while True:
        send(piece)
        if pause:
            threading.Event().wait(pause)


class Stranger(socketserver.StreamRequestHandler):
    def handle(self):
        global connections
        connections += 1
        try:
            while self.answer():
                pass
        except OSError:
            pass

    def answer(self):
        request = self.rfile.readline().split()
        if not request:
            return False
        headers = []
        while (line := self.rfile.readline().strip()):
            headers.append(line.decode().lower())
        send = self.request.sendall
        path = request[1].decode()
        if path == "/count":
            return self.whole(str(connections).encode())
        if path == "/headers":
            return self.whole("\n".join(headers).encode())
        if path == "/method":
            return self.whole(request[0])
        if path == "/nul":
            return self.whole(b"before\0after\n")
        if path == "/500":
            send(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
            return True
        if path == "/latin":
            send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xe9\xff\x00")
            return True
        if path == "/megabyte":
            return self.whole(b"x" * (1 << 20))
        if path == "/late-word":
            return self.whole(b"x" * (64 << 10) + b"word")
        if path == "/endless-body":
            send(CLOSE + b"\r\n")
            forever(send, b"x" * 65536)
        if path == "/endless-headers":
            send(CLOSE)
            forever(send, b"X-More: and more\r\n" * 1000)
        if path == "/endless-header":
            send(CLOSE + b"X-More: ")
            forever(send, b"x" * 65536)
        if path == "/slow":
            send(CLOSE + b"\r\n")
            forever(send, b"x", 0.05)
        if path == "/slow-headers":
            send(CLOSE + b"X-Slow: ")
            forever(send, b"x", 0.05)
        if path == "/hang":
            threading.Event().wait()
        if path == "/bomb":
            bomb = gzip.compress(b"\0" * (64 << 20))
            send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                 % len(bomb) + bomb)
            return True
        if path == "/transfer-bomb":
            send(CLOSE + b"Transfer-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * (64 << 20)))
            return False
        if path == "/loop":
            send(b"HTTP/1.1 302 On\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n")
            return True
        if path == "/once":
            send(b"HTTP/1.1 302 On\r\nLocation: /500\r\nContent-Length: 4\r\n\r\nword")
            return True
        if path == "/to-file":
            send(b"HTTP/1.1 302 On\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
            return True
        if path == "/http09":
            send(b"<html>it works</html>\n")
        if path == "/short":
            send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        if path == "/once-only":
            send(CLOSE + b"Content-Length: 2\r\n\r\nok")
        return False

    def whole(self, body):
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        request, address = super().get_request()
        if len(sys.argv) > 1:
            request = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        return request, address

    def handle_error(self, request, address):
        pass


if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
with Server(("127.0.0.1", 0), Stranger) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
