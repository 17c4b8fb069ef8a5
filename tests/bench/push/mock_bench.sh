#!/bin/bash
# h2load against reveille-mock's APNs, token verified: pushes per second and the mock's CPU per push, each on one core.
# usage: mock_bench.sh <directory with reveille-mock> [pushes]     needs nghttp2-client
set -eu
bin=$1
pushes=${2:-300000}
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
taskset -c 0 "$bin/reveille-mock" --directory "$work" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 \
  --delivery-median 0 --delivery-p99 0 --quiet >"$work/log" 2>&1 &
server=$!
until [ -f "$work/endpoints.json" ]; do kill -0 "$server" || { cat "$work/log"; exit 1; }; sleep 0.1; done
url=$(sed -n 's|.*"apns": "\(.*\)".*|\1|p' "$work/endpoints.json")
bearer=$("$bin/reveille-mock" --directory "$work" --print-bearer)
for ((i = 0; i < 1000; i++)); do printf '%s/3/device/%064x\n' "$url" "$i"; done >"$work/uris"
body() { printf '{"aps":{},"pad":"%s"}' "$(head -c $(($1 - 19)) /dev/zero | tr '\0' x)"; }
cpu() { awk '{print ($14 + $15) * 1e6 / '"$(getconf CLK_TCK)"'}' "/proc/$server/stat"; }
push() {  # body file, pushes, connections, streams
  taskset -c 1 h2load -i "$work/uris" -n "$2" -c "$3" -t 1 -m "$4" -d "$1" -H "authorization: $bearer" \
    -H 'apns-topic: com.example.phone.voip' -H 'apns-push-type: voip' -H 'apns-priority: 10' -H 'apns-expiration: 0'
}
for size in 142 4096; do
  body "$size" >"$work/body"
  push "$work/body" 1 1 1 >/dev/null
  for form in "1 500" "4 250"; do
    read -r connections streams <<<"$form"
    before=$(cpu)
    # A connection's first push must be alone: APNs allows one stream until it was accepted. h2load waits for SETTINGS.
    said=$(push "$work/body" "$pushes" "$connections" "$streams")
    after=$(cpu)
    awk -v size="$size" -v c="$connections" -v used="$(awk "BEGIN{print $after - $before}")" -v n="$pushes" '
      /^finished in/ { rate = $4 } /^status codes:/ { good = $3 }
      END { printf "%4d octets, %d connection%s: %s/s, %d of %d answered 200, mock %.2f us of CPU a push\n",
                   size, c, c == 1 ? "" : "s", rate, good, n, used / n }' <<<"$said"
  done
done
