"""Echoes text: octets that are no UTF-8 raise UnicodeDecodeError, and that ends the server."""
import codecs
import socket
import sys

listener = socket.create_server(("", int(sys.argv[1])), backlog=128)
while True:
    client, _ = listener.accept()
    decoder = codecs.getincrementaldecoder("utf-8")()  # a character may be cut in two
    with client:
        try:
            while octets := client.recv(4096):
                client.sendall(decoder.decode(octets).encode())
        except OSError:
            pass  # this client is gone, the next one comes
