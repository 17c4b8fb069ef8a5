#!/usr/bin/env bash
# Real push clients as judges of the mocks: what they get right and wrong against the real services, they must get
# right and wrong here (docs/providers.md 7.5).
#   push_clients_test.sh PATH-TO-reveille-mock CACHE-DIRECTORY      npm ci runs there, once for each package-lock.json
# Exit 77 = left out, for want of node or of the packages; it says so.
set -uo pipefail
mock=$1 cache=$2
here=$(cd "$(dirname "$0")" && pwd)/clients
left_out() { echo "LEFT OUT: real push clients did not judge the mocks: $1"; exit 77; }
command -v node >/dev/null && command -v npm >/dev/null || left_out "node and npm are not installed (scripts/install-dependencies)"
mkdir -p "$cache" && cp "$here"/*.js "$here"/package*.json "$cache" && cd "$cache" || exit 1
lock=$(sha256sum <package-lock.json)
if [ "$(cat installed 2>/dev/null)" != "$lock" ]; then
  timeout 240 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || { tail -n 5 npm.log; left_out "npm ci failed"; }
  echo "$lock" >installed
fi

REVEILLE_MOCK_DIRECTORY=$(mktemp -d) && export REVEILLE_MOCK_DIRECTORY
"$mock" --directory "$REVEILLE_MOCK_DIRECTORY" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 \
  --delivery-median 0 --quiet >"$REVEILLE_MOCK_DIRECTORY/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null; rm -rf "$REVEILLE_MOCK_DIRECTORY"' EXIT
for ((i = 0; i < 200; i++)); do
  [ -f "$REVEILLE_MOCK_DIRECTORY/endpoints.json" ] && break
  kill -0 $pid 2>/dev/null || { cat "$REVEILLE_MOCK_DIRECTORY/log"; exit 1; }
  sleep 0.05
done
endpoint() { sed -n "s|.*\"$1\": \"\{0,1\}\(https://127.0.0.1:\)\{0,1\}\([0-9]*\).*|\2|p" "$REVEILLE_MOCK_DIRECTORY/endpoints.json"; }
apns=$(endpoint apns) fcm=$(endpoint fcm) control=$(endpoint control_port)

failed=0
wrong() { echo "WRONG $1"; failed=1; }
script() {  # replaces the fault script
  local answer
  exec 3<>"/dev/tcp/127.0.0.1/$control" && echo "{\"faults\":$1}" >&3 && read -r answer <&3 && exec 3>&-
  [ "$answer" = '{"ok":true}' ] || wrong "script $1: $answer"
}
requests() {
  exec 3<>"/dev/tcp/127.0.0.1/$control" && printf 'GET /metrics HTTP/1.1\r\n\r\n' >&3
  awk '/^reveille_mock_requests_total/ { n += $2 } END { print n }' <&3
  exec 3>&-
}
# expect NAME OK-COUNT ATTEMPTS command...: pushes that the client holds for accepted, requests that the mock saw ("-": any).
# Either may be a range, "1-49".
within() { case $2 in -) true ;; *-*) [ "$1" -ge "${2%-*}" ] && [ "$1" -le "${2#*-}" ] ;; *) [ "$1" = "$2" ] ;; esac; }
expect() {
  local name=$1 good=$2 attempts=$3 before said ok seen
  shift 3
  before=$(requests)
  said=$("$@" 2>&1 | tail -n 1)
  ok=$(sed -n 's/.*"ok":\([0-9]*\),.*/\1/p' <<<"$said")
  seen=$(($(requests) - before))
  if within "${ok:--1}" "$good" && within "$seen" "$attempts"; then
    echo "ok    $name: $ok accepted, $seen requests"
  else
    wrong "$name: wanted $good accepted and $attempts requests; $seen requests, and it said: $said"
  fi
}
node_apn() { timeout 60 node send-node-apn.js 127.0.0.1 "$apns" "$@"; }
apns2() { timeout 60 node send-apns2.js 127.0.0.1 "$apns" "$@"; }
web_push() { timeout 60 node send-web-push.js 127.0.0.1 "$fcm" "$@"; }
firebase() { timeout 60 node send-firebase-admin.js 127.0.0.1 "$fcm" "$@"; }

expect "node-apn, one after the other" 200 200 node_apn 200 --concurrency 1
expect "node-apn, alert with a collapse id" 2 2 node_apn 2 --concurrency 1 --type alert --collapse call-1
expect "node-apn, background" 2 2 node_apn 2 --concurrency 1 --type background
expect "node-apn with a certificate needs no first push alone" 50 50 node_apn 50 --concurrency 50 --cert
expect "node-apn loses a burst while one stream is allowed" 1 1 node_apn 50 --concurrency 50
script '[{"connections":{"max_concurrent_streams":5}}]'
expect "node-apn loses a part of a burst above five streams" 5-195 5-195 node_apn 200 --concurrency 200
script '[{"every":100,"count":"connection","goaway":"Shutdown"}]'
# What it submits to a connection that has got its GOAWAY it fails by itself: 49 each time.
expect "node-apn loses pushes to GOAWAY" 300-400 300-400 node_apn 500 --concurrency 50 --cert
# With a token each new connection allows one stream at first, and 49 more go to the burst on it (REFUSED_STREAM).
expect "node-apn loses more to GOAWAY with a token" 200-300 200-300 node_apn 500 --concurrency 50
script '[{"provider":"apns","answer":{"status":429,"reason":"TooManyRequests","retry_after":1}}]'
expect "node-apn tries four times at 429" 0 4 node_apn 1
script '[{"provider":"apns","answer":{"status":500,"reason":"InternalServerError"}}]'
expect "node-apn tries four times at 500" 0 4 node_apn 1
script '[{"provider":"apns","answer":{"status":503,"reason":"ServiceUnavailable"}}]'
expect "node-apn tries four times at 503" 0 4 node_apn 1
script '[{"provider":"apns","answer":{"status":403,"reason":"ExpiredProviderToken"}}]'
expect "node-apn tries four times at ExpiredProviderToken" 0 4 node_apn 1
script '[{"silence":true}]'
expect "node-apn gives up an answer that does not come" 0 1-4 node_apn 1 --timeout 300
expect "apns2 waits as long as it is told to" 0 1 apns2 1 --timeout 300
script '[]'
expect "apns2, one after the other" 200 200 apns2 200 --concurrency 1
expect "apns2, alert with a collapse id" 2 2 apns2 2 --concurrency 1 --type alert --collapse call-1
expect "apns2, background" 2 2 apns2 2 --concurrency 1 --type background
expect "apns2 spreads a burst over connections of one stream" 50 50 apns2 50 --concurrency 50
script '[{"connections":{"max_concurrent_streams":5}}]'
expect "apns2 spreads a burst over connections of five streams" 200 200 apns2 200 --concurrency 200
script '[{"every":100,"goaway":"Shutdown"}]'
expect "apns2 loses few pushes to GOAWAY" 450-500 - apns2 500 --concurrency 50
script '[{"provider":"apns","answer":{"status":429,"reason":"TooManyRequests","retry_after":1}}]'
expect "apns2 does not retry 429" 0 1 apns2 1
script '[{"provider":"apns","answer":{"status":503,"reason":"ServiceUnavailable"}}]'
expect "apns2 does not retry 503" 0 1 apns2 1
script '[{"times":1,"provider":"apns","answer":{"status":403,"reason":"ExpiredProviderToken"}}]'
expect "apns2 makes a new token after ExpiredProviderToken, too soon for Apple" 0 2 apns2 2 --concurrency 1
script '[]'
expect "firebase-admin over HTTP/2" 1000 1000 firebase 1000 --batch 100
expect "firebase-admin with its odd :scheme" 100 100 firebase 100 --batch 100 --raw-scheme
expect "firebase-admin over HTTP/1.1" 20 20 firebase 20 --batch 10 --h1
expect "firebase-admin with a malformed token" 0 3 firebase 3 --token 'b!d'
expect "web-push learns that nobody serves Web Push here" 0 20 web_push 20
expect "web-push without a payload likewise" 0 20 web_push 20 --nopayload
script '[{"every":100,"goaway":"session_timed_out"}]'
expect "firebase-admin loses the whole batch to GOAWAY" 0-499 - firebase 500 --batch 500
script '[{"provider":"fcm","answer":{"status":429,"reason":"QUOTA_EXCEEDED","retry_after":1}}]'
expect "firebase-admin does not retry 429" 0 1 firebase 1
script '[{"provider":"fcm","answer":{"status":500,"reason":"INTERNAL"}}]'
expect "firebase-admin does not retry 500" 0 1 firebase 1
script '[{"provider":"fcm","answer":{"status":503,"reason":"UNAVAILABLE","retry_after":1}}]'
expect "firebase-admin tries five times at 503" 0 5 firebase 1
exit $failed
