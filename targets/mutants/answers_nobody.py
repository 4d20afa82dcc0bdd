"""Sends each reply to the address that recvfrom() gave: a client without one is a TypeError, and ends the server."""
import os
import socket
import sys

path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
try:
    server.bind(path)
except OSError:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if probe.connect_ex(path) == 0:
        raise  # somebody receives here
    os.unlink(path)
    server.bind(path)
while True:
    octets, peer = server.recvfrom(262144)
    server.sendto(octets, peer)
