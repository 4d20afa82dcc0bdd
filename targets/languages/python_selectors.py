"""Python, one thread and a selector for all connections: echo.

    python3 python_selectors.py PORT

What is easy to get wrong with a selector: events that are asked for though there is nothing to do, which spins; output
that is kept without a bound while the client does not read; the end of the input taken for the end of the output.
"""

import selectors
import signal
import socket
import sys
import time

ROOM = 65536
PAUSE = 0.1  # Seconds until accept() is tried again when no descriptor was free.


class Connection:
    def __init__(self, client):
        self.client = client
        self.pending = b""
        self.has_ended = False

    def events(self):
        """Input only while there is room for it, output only while there is some; nothing of both: it is over."""
        if self.pending:
            return selectors.EVENT_WRITE
        return 0 if self.has_ended else selectors.EVENT_READ

    def advance(self):
        if not self.pending:
            self.pending = self.client.recv(ROOM)
            self.has_ended = not self.pending
        if self.pending:
            self.pending = self.pending[self.client.send(self.pending):]


class Server:
    def __init__(self, listener):
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.accept_again_at = None

    def run(self):
        while True:
            pause = None
            if self.accept_again_at is not None:
                pause = max(0, self.accept_again_at - time.monotonic())
                if pause == 0:
                    self.selector.register(self.listener, selectors.EVENT_READ)
                    self.accept_again_at = pause = None
            for key, _ in self.selector.select(pause):
                if key.data is None:
                    self.accept()
                else:
                    self.serve(key)

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except (BlockingIOError, ConnectionError):
            return  # It left again.
        except OSError:  # No descriptor is free, and the listener would be ready again and again.
            self.selector.unregister(self.listener)
            self.accept_again_at = time.monotonic() + PAUSE
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(client, selectors.EVENT_READ, Connection(client))

    def serve(self, key):
        connection = key.data
        try:
            connection.advance()
        except BlockingIOError:
            pass
        except OSError:  # This client is gone, which is its own business.
            return self.drop(connection)
        events = connection.events()
        if not events:
            self.drop(connection)
        elif events != key.events:
            self.selector.modify(connection.client, events, connection)

    def drop(self, connection):
        self.selector.unregister(connection.client)
        connection.client.close()


signal.signal(signal.SIGINT, signal.SIG_DFL)  # Without a traceback.
with socket.create_server(("", int(sys.argv[1])), backlog=128) as server_socket:  # Sets SO_REUSEADDR.
    server_socket.setblocking(False)
    Server(server_socket).run()
