"""Serves this host only, by the text of addresses: on IPv6 an IPv4 client is ::ffff:127.0.0.1, a stranger."""
import socket
import sys
import textbook

listener = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
for client, peer in textbook.clients(listener):
    if peer[0] in ("127.0.0.1", "::1"):
        textbook.serve_in_thread(client)
    else:
        client.close()
