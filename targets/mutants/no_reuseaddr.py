"""Binds without SO_REUSEADDR: a restart waits for the connections of the process before to be forgotten."""
import socket
import sys
import textbook

listener = socket.socket()
listener.bind(("", int(sys.argv[1])))
listener.listen(128)
for client, _ in textbook.clients(listener):
    textbook.serve_in_thread(client)
