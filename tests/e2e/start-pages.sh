#!/usr/bin/env bash
# start-pages.sh PORT DIR: nginx that serves the files in DIR/pages on loopback; prints its pid and keeps it in DIR/pages.pid.
# What lies below /waits comes at 100 bytes a second.
set -euo pipefail
port=$1; own=$2/nginx-pages; root=$2/pages
mkdir -p "$own/tmp" "$root"
{
    echo "worker_processes 1; daemon off; master_process off; pid $own/nginx.pid; error_log $own/error.log;"
    echo "events { worker_connections 128; }"
    echo "http { access_log off;"
    for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $own/tmp/$kind;"; done
    echo "types { text/html html; text/javascript js; text/css css; application/json json; }"
    echo "server { listen 127.0.0.1:$port; root $root; error_page 404 /404.html; location /waits/ { limit_rate 100; postpone_output 0; } } }"
} >"$own/nginx.conf"
setsid nohup nginx -c "$own/nginx.conf" -e "$own/error.log" >>"$own/log" 2>&1 </dev/null &
pid=$!
echo $pid >"$2/pages.pid"
for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo $pid; exit 0; fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
echo "nginx with pages did not open port $port:" >&2
tail -5 "$own/error.log" >&2
exit 1
