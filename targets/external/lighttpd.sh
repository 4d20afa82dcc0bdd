#!/bin/sh
# lighttpd in the foreground, with everything it writes below the folder given: lighttpd.sh PORT FOLDER
set -eu
echo hello > "$2/hello"
cat > "$2/lighttpd.conf" <<CONFIG
server.document-root = "$2"
server.bind = "127.0.0.1"
server.port = $1
# Of the five seconds that it gives an idle connection by default, a busy machine can use up all.
server.max-keep-alive-idle = 600
CONFIG
exec lighttpd -D -f "$2/lighttpd.conf"
