"""Says what went wrong when it cannot listen, and ends as if all were well."""
import socket
import sys
import textbook

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    listener.bind(("", int(sys.argv[1])))
except OSError as error:
    print(f"cannot listen: {error}", file=sys.stderr)
    sys.exit()
listener.listen(128)
for client, _ in textbook.clients(listener):
    textbook.serve_in_thread(client)
