#!/bin/sh
# Our senders and h2load against the same nghttpd in one run: pushes per second, CPU per push.
# usage: push_bench.sh <directory with push_bench> [pushes]     needs nghttp2-client and nghttp2-server
set -eu
bin=$1
pushes=${2:-150000}
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout server.key -out server.pem 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out AuthKey.p8 2>/dev/null
mkdir -p docs/3/device
i=0
while [ "$i" -lt 1000 ]; do
  name=$(printf '%064x' "$i")
  : > "docs/3/device/$name"
  echo "https://127.0.0.1:18444/3/device/$name" >> uris.txt
  i=$((i + 1))
done
head -c 142 /dev/zero | tr '\0' x > p142
head -c 4096 /dev/zero | tr '\0' x > p4096
jwt=$(head -c 184 /dev/zero | tr '\0' j)
nghttpd -a 127.0.0.1 -d docs -m 1000 -w 20 -W 26 18444 server.key server.pem >/dev/null 2>&1 &
server=$!
i=0
until openssl s_client -connect 127.0.0.1:18444 </dev/null >/dev/null 2>&1; do
  i=$((i + 1)); [ "$i" -lt 100 ] || { echo "nghttpd does not start" >&2; exit 1; }
done
for size in 142 4096; do
  echo "== $size octets, ours"
  "$bin/push_bench" --ca server.pem --key AuthKey.p8 --pushes "$pushes" --size "$size" || true
  echo "== $size octets, h2load"
  bash -c "time h2load -i uris.txt -n $pushes -c 1 -t 1 -m 1000 -d p$size -H 'authorization: bearer $jwt' \
    -H 'apns-topic: com.example.phone.voip' -H 'apns-push-type: voip' -H 'apns-priority: 10' -H 'apns-expiration: 0' \
    https://127.0.0.1:18444/3/device/0" 2>&1 | grep -E 'finished in|^user|^sys|requests:' | sed 's/https.*//'
done
