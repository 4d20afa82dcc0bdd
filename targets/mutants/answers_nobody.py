"""Sends each reply to the address that recvfrom() gave: a client without one is a TypeError, and ends the server."""
import socket
import sys
import textbook

server = textbook.bound_to_path(sys.argv[1], socket.SOCK_DGRAM)
while True:
    octets, peer = server.recvfrom(262144)
    server.sendto(octets, peer)
