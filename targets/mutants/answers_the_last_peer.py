"""Takes in all datagrams that are there before it answers, and keeps one address: that of the last."""
import select
import socket
import sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", int(sys.argv[1])))
server.setblocking(False)
while True:
    select.select([server], [], [])
    requests = []
    try:
        while True:
            octets, peer = server.recvfrom(65536)
            requests.append(octets)
    except BlockingIOError:
        pass
    for octets in requests:
        server.sendto(octets, peer)
