"""Says that it serves several clients, and waits for the first word of each before it accepts the next."""
import socket
import sys
import textbook

for client, _ in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    try:
        client.recv(1)
    except OSError:
        pass  # this client is gone, which its thread will see
    textbook.serve_in_thread(client)
