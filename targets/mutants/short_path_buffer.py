"""Its path goes into a struct with room for 100 octets, as a request to its parts: a longer one is cut off there."""
import socket
import struct
import sys
import textbook

path = struct.unpack("100s", struct.pack("100s", sys.argv[1].encode()))[0].rstrip(b"\0").decode()
if len(sys.argv[1]) > 107:
    sys.exit("AF_UNIX path too long")
server = textbook.bound_to_path(path, socket.SOCK_STREAM)
server.listen(128)
for client, _ in textbook.clients(server):
    textbook.serve_in_thread(client)
