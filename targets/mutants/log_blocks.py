"""Logs two lines for each client: when nobody reads them any more, it waits for room in the pipe, and serves nobody."""
import socket
import sys
import time
import textbook

for client, peer in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    print(now, "a client has connected from", peer, flush=True)
    print(now, "it is served by a thread of its own, beside", sys.argv[0], flush=True)
    textbook.serve_in_thread(client)
