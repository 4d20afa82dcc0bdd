#!/bin/sh
# Python's http.server, serving one file of six octets: python_http.sh PORT FOLDER
set -eu
echo hello > "$2/hello"
exec python3 -m http.server --protocol HTTP/1.1 --bind 127.0.0.1 --directory "$2" "$1"
