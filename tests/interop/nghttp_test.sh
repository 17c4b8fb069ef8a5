#!/usr/bin/env bash
# nghttp2's clients as judges of the mocks: nghttp prints the frames, h2load pushes some thousands, promtool reads the metrics.
#   nghttp_test.sh PATH-TO-reveille-mock
# Exit 77 = left out, for want of a client; it says so.
set -uo pipefail
mock=$1
for tool in nghttp h2load promtool; do
  command -v "$tool" >/dev/null || { echo "LEFT OUT: $tool is not installed (scripts/install-dependencies)"; exit 77; }
done
work=$(mktemp -d)
"$mock" --directory "$work" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 --delivery-median 0 --quiet >"$work/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null; rm -rf "$work"' EXIT
for ((i = 0; i < 200; i++)); do
  [ -f "$work/endpoints.json" ] && break
  kill -0 $pid 2>/dev/null || { cat "$work/log"; exit 1; }
  sleep 0.05
done
apns=$(sed -n 's|.*"apns": "\(.*\)".*|\1|p' "$work/endpoints.json")
control=$(sed -n 's|.*"control_port": \([0-9]*\).*|\1|p' "$work/endpoints.json")
bearer=$("$mock" --directory "$work" --print-bearer)
echo '{"aps":{}}' >"$work/body"
headers=(-H'apns-topic: com.example.phone.voip' -H'apns-push-type: voip' -H'apns-priority: 10' -H'apns-expiration: 0')
failed=0
wrong() { echo "WRONG $1"; failed=1; }
shows() {  # NAME TEXT in the frames
  if grep -qF "$2" "$work/frames"; then echo "ok    $1"; else wrong "$1: no \"$2\" in"; cat "$work/frames"; fi
}
frames() { timeout 20 nghttp -nv --no-dep --no-verify-peer -H':method: POST' -d "$work/body" "${headers[@]}" "$@" >"$work/frames" 2>&1; }
say() { exec 3<>"/dev/tcp/127.0.0.1/$control" && echo "$1" >&3 && read -r answer <&3 && exec 3>&- && [ "$answer" = '{"ok":true}' ] || wrong "$1: $answer"; }

frames -H"authorization: $bearer" "$apns/3/device/aabb"
shows "one stream at first" 'SETTINGS_MAX_CONCURRENT_STREAMS(0x03):1]'
shows "accepted" ':status: 200'
shows "with an apns-id" 'apns-id: '
shows "a thousand streams then" 'SETTINGS_MAX_CONCURRENT_STREAMS(0x03):1000]'
frames "$apns/3/device/aabb"
shows "no token, no push" ':status: 403'
# nghttp leaves as soon as it has its answer, so it gets none.
say '{"faults":[{"goaway":"Shutdown","silence":true}]}'
frames -t 1 -H"authorization: $bearer" "$apns/3/device/aabb"
shows "GOAWAY" '=[{"reason":"Shutdown","timestamp":'
say '{"faults":[{"reset":"refused_stream"}]}'
frames -H"authorization: $bearer" "$apns/3/device/aabb"
shows "RST_STREAM" 'error_code=REFUSED_STREAM(0x07)'
say '{"faults":[]}'

load() {  # NAME REQUESTS h2load's arguments...
  local name=$1 wanted=$2 said
  said=$(timeout 60 h2load -n "$wanted" -t 1 -d "$work/body" -H"authorization: $bearer" "${headers[@]}" "${@:3}" "$apns/3/device/aabb" 2>&1)
  if grep -q "^requests: .* $wanted succeeded, 0 failed, 0 errored" <<<"$said" && grep -q "^status codes: $wanted 2xx" <<<"$said"; then
    echo "ok    h2load, $name: $wanted of $wanted"
  else
    wrong "h2load, $name:"; echo "$said"
  fi
}
load "one connection" 5000 -c 1 -m 1
load "four connections" 20000 -c 4 -m 1
exec 3<>"/dev/tcp/127.0.0.1/$control" && printf 'GET /metrics HTTP/1.1\r\n\r\n' >&3
if sed '1,/^\r$/d' <&3 | promtool check metrics; then echo "ok    promtool reads the metrics"; else wrong "promtool"; fi
exit $failed
