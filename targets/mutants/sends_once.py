"""Calls send() and takes for granted that it sends all; with a timeout set, it sends what there is room for."""
import socket
import sys
import textbook


def echo(client):
    client.settimeout(3600)
    # Of a size that a busy stream fills, whoever is faster.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 131072)
    with client:
        try:
            while octets := client.recv(1 << 22):
                client.send(octets)
        except OSError:
            pass  # this client is gone


for newcomer, _ in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    textbook.serve_in_thread(newcomer, echo)
