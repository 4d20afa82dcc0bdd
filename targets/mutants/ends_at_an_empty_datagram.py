"""Takes an empty datagram for the end, as an empty recv() is on a stream, and leaves its loop."""
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[1])))
while True:
    octets, peer = server.recvfrom(65536)
    if not octets:
        break
    server.sendto(octets, peer)
