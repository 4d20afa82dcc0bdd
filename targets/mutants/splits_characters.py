"""Echoes text, and decodes each recv() for itself: a character that is cut in two ends the server."""
import socket
import sys
import textbook

for client, _ in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    textbook.serve(client, lambda octets: octets.decode().encode())
