"""Takes in all that is there before it answers, as on a stream: two records become one."""
import select
import socket
import sys
import textbook

listener = textbook.bound_to_path(sys.argv[1], socket.SOCK_SEQPACKET)
listener.listen(128)
for client, _ in textbook.clients(listener):
    with client:
        try:
            while octets := client.recv(262144):
                while select.select([client], [], [], 0)[0] and (more := client.recv(262144)):
                    octets += more
                client.sendall(octets)
        except OSError:
            pass  # this client is gone
