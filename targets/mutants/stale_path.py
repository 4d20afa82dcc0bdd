"""Binds its path and never looks whether a server that is no more has left it behind."""
import socket
import sys
import textbook

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(128)
for client, _ in textbook.clients(listener):
    textbook.serve(client)
