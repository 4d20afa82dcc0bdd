"""Is told of urgent data over and over, and never takes it."""
import select
import socket
import sys
import textbook


def serve(client):
    poller = select.poll()
    poller.register(client, select.POLLIN | select.POLLPRI)
    with client:
        try:
            while True:
                if poller.poll()[0][1] == select.POLLPRI:
                    continue  # the defect: it stays until it is read (MSG_OOB), or passed
                octets = client.recv(16384)
                if not octets:
                    return
                client.sendall(octets)
        except OSError:
            pass  # this client is gone


for one, _ in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    textbook.serve_in_thread(one, serve)
