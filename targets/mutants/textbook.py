"""What the Python mutants do alike, and do right, so that each of them is little more than its defect."""
import errno
import os
import socket
import stat
import threading
import time


def clients(listener):
    """All that come, with their addresses; a server without a free descriptor waits a moment for one."""
    while True:
        try:
            yield listener.accept()
        except OSError:
            time.sleep(0.1)


def serve(client, answer=None):
    """To the client's end: `answer(octets)` is sent back, nothing without it."""
    with client:
        try:
            while octets := client.recv(16384):
                if answer:
                    client.sendall(answer(octets))
        except OSError:
            pass  # this client is gone


def serve_in_thread(client, serve_one=serve):
    try:
        threading.Thread(target=serve_one, args=(client,), daemon=True).start()
    except RuntimeError:
        client.close()  # no thread can be had: one client less, and no server less


def bound_to_path(path, kind):
    """A socket at a path; one that a dead server has left there is replaced, a living server's or a file is not."""
    server = socket.socket(socket.AF_UNIX, kind)
    try:
        server.bind(path)
    except OSError:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
        if not is_socket or socket.socket(socket.AF_UNIX, kind).connect_ex(path) != errno.ECONNREFUSED:
            raise
        os.unlink(path)
        server.bind(path)
    return server
