#!/bin/sh
# openbsd-inetd in the foreground with one of its built-in services, which has the port of /etc/services:
# inetd.sh SERVICE tcp|udp FOLDER
set -eu
if [ "$2" = tcp ]; then
  kind="stream tcp4 nowait"
else
  kind="dgram udp4 wait"
fi
echo "$1 $kind root internal" > "$3/inetd.conf"
# -R: by default a service that is asked 256 times within a minute is switched off for ten minutes.
exec inetd -i -R 1000000 "$3/inetd.conf"
