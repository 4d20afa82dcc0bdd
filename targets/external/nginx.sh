#!/bin/sh
# nginx in the foreground and in one process, with everything it writes below the folder given: nginx.sh PORT FOLDER
set -eu
cat > "$2/nginx.conf" <<CONFIG
daemon off;
user root;
pid $2/nginx.pid;
error_log stderr;
master_process off;
events {}
http {
  access_log off;
  client_body_temp_path $2/body;
  proxy_temp_path $2/proxy;
  fastcgi_temp_path $2/fastcgi;
  uwsgi_temp_path $2/uwsgi;
  scgi_temp_path $2/scgi;
  server {
    listen 127.0.0.1:$1;
    location / { return 200 "hello\n"; }
  }
}
CONFIG
exec nginx -e stderr -p "$2" -c "$2/nginx.conf"
