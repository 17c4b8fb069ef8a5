#!/usr/bin/env bash
# `reveille push` and `reveille doctor` against the mock providers, with good credentials and with bad ones.
#   tools_test.sh REVEILLE REVEILLE-MOCK
# Exit status: 0 passed, 1 failed, 77 skipped (a program is missing).
set -euo pipefail

reveille=${1:-}
mock=${2:-}
for needed in "$reveille" "$mock" openssl; do
  if [ -z "$needed" ] || ! command -v "$needed" >/dev/null; then
    echo "skipped: '${needed:-a program}' is not there"
    exit 77
  fi
done

work=$(mktemp -d)
pids=()
stop_mock() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap 'stop_mock; rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*" >&2
  cat "$work/out" >&2 2>/dev/null || true
  tail -n 3 "$work/mock.log" >&2 2>/dev/null || true
  exit 1
}

# start_mock OPTION...: writes $work/engine.toml for it.
start_mock() {
  stop_mock
  : >"$work/mock.log"
  "$mock" --directory "$work/mock" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 --quiet "$@" >"$work/mock.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    grep -q '^control' "$work/mock.log" && break
    sleep 0.1
  done
  grep -q '^control' "$work/mock.log" || fail "the mock did not start"
  chmod o-rwx "$work"/mock/*.p8 "$work"/mock/service-account.json
  { printf '[node]\nlisten = ["udp:127.0.0.1:0"]\ndomains = ["example.com"]\n[trust]\nopen = true\n[store]\npath = "%s/store"\n' "$work"
    printf '[admin]\nlisten = "127.0.0.1:1"\n'
    cat "$work/mock/providers.toml"; } >"$work/engine.toml"
}

# expect STATUS TEXT... -- COMMAND...: runs it; its exit status and each text must be so.
expect() {
  local wanted=$1 texts=() status=0
  shift
  while [ "$1" != -- ]; do texts+=("$1"); shift; done
  shift
  "$@" >"$work/out" 2>&1 || status=$?
  [ "$status" = "$wanted" ] || fail "exit status $status, not $wanted: $*"
  for text in "${texts[@]}"; do grep -qF -- "$text" "$work/out" || fail "no \"$text\" in the output of: $*"; done
}
push() { "$reveille" push -c "$work/engine.toml" "$@"; }
doctor() { "$reveille" doctor -c "$work/engine.toml" "$@"; }
token=d60031739639ca72d034f45aa67c5a3931104bf7dcd2f6ff971855711d0f6beb

start_mock
expect 0 'accepted: 200' 'Apple took the push' -- push --provider apns --app com.example.phone.voip --token $token --name 'Ann "A" Ö'
expect 0 'accepted: 200' -- push --provider apns.dev --token $token --type missed_calls
expect 0 'accepted: 200' 'Google took the push' -- push --provider fcm --token fcm-token --from bob@other.example
expect 0 'apns-topic: com.example.phone.voip' 'authorization: bearer (' '"dispaly_name":"Ann \"A\""' '/3/device/aabb' -- \
  push --provider apns --app com.example.phone.voip --token aabb --name 'Ann "A"' --dry-run
if grep -q eyJ "$work/out"; then fail "--dry-run shows a token"; fi
expect 0 '"url": "https://' -- push --provider fcm --token t --dry-run --json
expect 0 '"exit": 0' '"outcome": "accepted"' -- push --provider apns --token $token --json
expect 2 'no such APNs app; there are com.example.phone' -- push --provider apns --app com.example.other --token aabb
expect 2 'there are apns, apns.dev and fcm' -- push --provider apple --token aabb
expect 2 'cannot be read' -- "$reveille" push -c "$work/none.toml" --provider apns --token aabb
expect 0 ', 0 to mend' 'ok    apns.endpoint: ' 'HTTP/2' 'ok    fcm.token_endpoint: ' 'ok    apns.app[0] com.example.phone.voip: credentials and topic' \
  'ok    fcm.app[0]' 'certificate good for' 'ok    clock: ' -- doctor
expect 0 '"fail": 0' -- doctor --json
cp "$work/engine.toml" "$work/good.toml"

# What providers say no to.
start_mock --faults <(printf '%s' '[{"token_prefix":"dead","answer":{"status":410,"reason":"Unregistered","timestamp":1623753691000}},
  {"provider":"oauth","answer":{"status":400,"reason":"invalid_grant"}}]')
expect 1 'dead_token: 410 Unregistered' 'since 2021-06-15 10:41:31 UTC' 'unless it has registered since' -- push --provider apns --token deadbeef
expect 1 'credential_fault: invalid_grant' "this machine's clock" -- push --provider fcm --token t
expect 1 'FAIL  fcm.app[0]' "this machine's clock" -- doctor

start_mock --strict-tokens
expect 1 'suspect_token: 400 BadDeviceToken' 'TestFlight' -- push --provider apns --token aabb
expect 0 'a token that no device has was refused: 400 BadDeviceToken' ', 0 to mend' -- doctor

# A gateway that speaks FCM's legacy API, with the right key and a wrong one.
start_mock --legacy-key the-key
gateway=$(sed -n 's/^FCM *\(https:[^ ]*\).*/\1/p' "$work/mock.log")
echo the-key >"$work/server.key"
chmod 600 "$work/server.key"
cat >>"$work/engine.toml" <<TOML
[[fcm.app]]
project = "on-premises"
api = "legacy"
server_key_file = "$work/server.key"
endpoint = "$gateway/fcm/send"
TOML
expect 0 'accepted: 200' 'The gateway took the push' -- push --provider fcm --app on-premises --token fcm-token
expect 0 '/fcm/send' 'authorization: (sha256 ' '"time_to_live":10' -- push --provider fcm --app on-premises --token t --dry-run
if grep -q the-key "$work/out"; then fail "--dry-run shows the server key"; fi
expect 0 'ok    fcm.app[1].endpoint: ' 'HTTP/1.1, certificate good for' 'ok    fcm.app[1] on-premises: ' ', 0 to mend' -- doctor
cp "$work/engine.toml" "$work/gateway.toml"
sed -i "s#^endpoint = \"$gateway/fcm/send\"#endpoint = \"https://127.0.0.1:1/fcm/send\"#" "$work/engine.toml"
expect 1 'FAIL  fcm.app[1].endpoint: 127.0.0.1:1: no connection' -- doctor
expect 3 '127.0.0.1:1: no connection' -- push --provider fcm --app on-premises --token t --timeout 1
sed -i "s#https://127.0.0.1:1/#http://${gateway#https://}/#; s#^api = \"legacy\"#&\nallow_plain_http = true#" "$work/engine.toml"
expect 1 'FAIL  fcm.app[1].endpoint: ' 'if it speaks TLS, its URL begins with https://' -- doctor
cp "$work/gateway.toml" "$work/engine.toml"
sed -i "s#^project = \"on-premises\"#&\npaused = true#" "$work/engine.toml"
expect 0 'on-premises is switched off or paused: not asked' ', 0 to mend' -- doctor
expect 2 'provider_off' 'switched off or paused in the configuration' -- push --provider fcm --app on-premises --token t
cp "$work/gateway.toml" "$work/engine.toml"
echo another >"$work/server.key"
expect 1 'credential_fault: 401' 'does not accept the server key' -- push --provider fcm --app on-premises --token fcm-token

# Credentials that are wrong.
start_mock
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/other.p8" 2>/dev/null
chmod 600 "$work/other.p8"
cp "$work/engine.toml" "$work/kept.toml"
sed -i "s#^key_file *=.*#key_file = \"$work/other.p8\"#" "$work/engine.toml"
expect 1 'credential_fault: 403 InvalidProviderToken' 'do not belong together' -- push --provider apns --token $token
expect 1 'FAIL  apns.app[0] com.example.phone: 403 InvalidProviderToken' -- doctor
chmod 644 "$work/other.p8"
expect 1 'may be read by everybody' -- doctor
sed "s#^bundle *=.*#bundle = \"com.example.unknown\"#" "$work/kept.toml" >"$work/engine.toml"
expect 1 'TopicDisallowed' 'may not push to this app' -- push --provider apns --token $token
expect 1 'FAIL  apns.app[0] com.example.unknown.voip: 400 TopicDisallowed' -- doctor

# A slow clock, where there is a program that makes one. It is preloaded, before a sanitizer if there is one.
cp "$work/kept.toml" "$work/engine.toml"
if command -v faketime >/dev/null; then
  expect 1 'FAIL  clock: 1' ' s ahead of 127.0.0.1' 'FAIL  apns.app[0] com.example.phone: 403 InvalidProviderToken' -- env "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f '+20m' "$reveille" doctor -c "$work/engine.toml"
fi

# Ways that end.
start_mock --faults <(printf '%s' '[{"connections":{"certificate":"expired"}}]')
expect 1 'FAIL  apns.endpoint: ' 'its certificate is not good' -- doctor
expect 3 'deadline' 'its certificate is not good' -- push --provider apns --token $token --timeout 2
stop_mock
expect 1 'FAIL  apns.endpoint: ' 'no connection' 'FAIL  fcm.endpoint: ' -- doctor
expect 3 'deadline' 'no connection' -- push --provider apns --token $token --timeout 1
expect 0 ', 0 to mend' -- doctor --no-network
expect 2 'FAIL  configuration: ' -- "$reveille" doctor -c <(echo '[node]')
echo passed
