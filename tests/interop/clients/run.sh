#!/bin/sh
# Real push clients as judges of the mocks: what they get right and wrong against the real services, they must get
# right and wrong here. Usage: run.sh PATH-TO-reveille-mock. Exit 77 = the clients are not installed (npm ci here).
set -u
mock=$1
cd "$(dirname "$0")" || exit 1
command -v node >/dev/null && [ -d node_modules ] || exit 77

REVEILLE_MOCK_DIRECTORY=$(mktemp -d) && export REVEILLE_MOCK_DIRECTORY
"$mock" --directory "$REVEILLE_MOCK_DIRECTORY" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 \
  --delivery-median 0 --quiet >"$REVEILLE_MOCK_DIRECTORY/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null; rm -rf "$REVEILLE_MOCK_DIRECTORY"' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ -f "$REVEILLE_MOCK_DIRECTORY/endpoints.json" ] && break
  kill -0 $pid 2>/dev/null || { cat "$REVEILLE_MOCK_DIRECTORY/log"; exit 1; }
  sleep 0.5
done
port() { sed -n "s|.*\"$1\": \"https://127.0.0.1:\([0-9]*\)\".*|\1|p" "$REVEILLE_MOCK_DIRECTORY/endpoints.json"; }
apns=$(port apns)
fcm=$(port fcm)
failed=0
# expect NAME OK-COUNT command...
expect() {
  name=$1 wanted=$2
  shift 2
  said=$(timeout 60 "$@" 2>&1 | tail -n 1)
  case $said in
    *"\"ok\":$wanted,"*) echo "ok    $name" ;;
    *) echo "WRONG $name: wanted ok $wanted, got $said"; failed=1 ;;
  esac
}
expect "node-apn, one after the other" 200 node send-node-apn.js 127.0.0.1 "$apns" 200 --concurrency 1
expect "node-apn, alert with a collapse id" 2 node send-node-apn.js 127.0.0.1 "$apns" 2 --concurrency 1 --type alert --collapse call-1
expect "node-apn, background" 2 node send-node-apn.js 127.0.0.1 "$apns" 2 --concurrency 1 --type background
expect "node-apn loses a burst while one stream is allowed" 1 node send-node-apn.js 127.0.0.1 "$apns" 50 --concurrency 50
expect "firebase-admin over HTTP/2" 1000 node send-firebase-admin.js 127.0.0.1 "$fcm" 1000 --batch 100
expect "firebase-admin with its odd :scheme" 100 node send-firebase-admin.js 127.0.0.1 "$fcm" 100 --batch 100 --raw-scheme
expect "firebase-admin over HTTP/1.1" 20 node send-firebase-admin.js 127.0.0.1 "$fcm" 20 --batch 10 --h1
expect "firebase-admin with a malformed token" 0 node send-firebase-admin.js 127.0.0.1 "$fcm" 3 --token 'b!d'
exit $failed
