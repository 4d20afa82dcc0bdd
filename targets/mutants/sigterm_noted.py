"""Notes SIGTERM, and looks at the note between two clients only: accept() goes on after the handler (PEP 475)."""
import signal
import socket
import sys
import textbook

stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
signal.signal(signal.SIGINT, signal.SIG_DFL)
listener = socket.create_server(("", int(sys.argv[1])), backlog=128)
for client, _ in textbook.clients(listener):
    textbook.serve(client)
    if stopping:
        break
