"""Takes the place of a server that is no more, and leaves its own path behind when it is told to end."""
import socket
import sys
import textbook

listener = textbook.bound_to_path(sys.argv[1], socket.SOCK_STREAM)
listener.listen(128)
for client, _ in textbook.clients(listener):
    textbook.serve(client)
