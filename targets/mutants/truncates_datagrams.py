"""Echoes datagrams out of a buffer of 1024 octets: what is longer comes back cut."""
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[1])))
while True:
    octets, peer = server.recvfrom(1024)
    server.sendto(octets, peer)
