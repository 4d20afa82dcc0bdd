"""Echoes text: octets that are no UTF-8 raise UnicodeDecodeError, and that ends the server."""
import codecs
import socket
import sys
import textbook

for client, _ in textbook.clients(socket.create_server(("", int(sys.argv[1])), backlog=128)):
    decoder = codecs.getincrementaldecoder("utf-8")()  # a character may be cut in two
    textbook.serve(client, lambda octets, decoder=decoder: decoder.decode(octets).encode())
