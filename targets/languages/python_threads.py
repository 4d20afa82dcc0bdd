"""Python, a thread a connection: echo, or `TEXT\\n` answered by `ok TEXT\\n`.

    python3 python_threads.py PORT echo|line

What is easy to get wrong in Python: `send` instead of `sendall`; an OSError of one client that ends its thread with a
traceback, or the server; accept() without a free descriptor, which fails at once and again; a thread that cannot be
started, which is a RuntimeError; lines that are decoded, though a client may send any octet.
"""

import signal
import socket
import sys
import threading
import time

MAX_TEXT = 4096


def echo(client):
    while octets := client.recv(65536):
        client.sendall(octets)


def lines(client):
    with client.makefile("rb") as requests:
        while (line := requests.readline(MAX_TEXT + 2)).endswith(b"\n"):
            text = line[:-1].removesuffix(b"\r")
            if len(text) > MAX_TEXT:
                break
            client.sendall(b"ok " + text + b"\n")
        if len(line) > MAX_TEXT:
            client.sendall(b"error line too long\n")
            close_in_stages(client)


def close_in_stages(client):
    """Input that nobody has read would turn close() into a reset, which can destroy the reply."""
    client.shutdown(socket.SHUT_WR)
    client.settimeout(3)
    while client.recv(65536):
        pass


def serve(client, converse):
    with client:
        try:
            converse(client)
        except OSError:
            pass  # This client is gone, which is its own business.


def main():
    port, converse = int(sys.argv[1]), {"echo": echo, "line": lines}[sys.argv[2]]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Without a traceback.
    with socket.create_server(("", port), backlog=128) as listener:  # Sets SO_REUSEADDR.
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # No descriptor is free: the listener stays ready, so asking again at once would spin.
                time.sleep(0.1)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                threading.Thread(target=serve, args=(client, converse), daemon=True).start()
            except RuntimeError:  # No thread is to be had: this client is turned away, the others are served.
                client.close()


main()
