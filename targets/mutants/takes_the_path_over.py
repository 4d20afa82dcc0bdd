"""Removes whatever is at its path before it binds: a second instance takes the path from the first."""
import os
import socket
import sys
import textbook

path, kind = sys.argv[1:]
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
server.bind(path)
while kind == "datagram":
    octets, peer = server.recvfrom(262144)
    if peer:
        server.sendto(octets, peer)
server.listen(128)
for client, _ in textbook.clients(server):
    textbook.serve(client)
