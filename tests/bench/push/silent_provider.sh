#!/usr/bin/env bash
# Both providers fall silent for a while under load: nothing is read off their sockets, no handshake is answered. Prints the
# engine's memory and push queues over time, what the callers got, and how long it took until all was as before.
#
#   tests/bench/push/silent_provider.sh [BUILD]       BUILD = build/release
#
# Environment: CALLS (1000 a second), SUBSCRIBERS (100000), BEFORE (20), SILENCE (30), AFTER (40) seconds.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
bin=${1:-$root/build/release}/bin
calls=${CALLS:-1000} subscribers=${SUBSCRIBERS:-100000}
before=${BEFORE:-20} silence=${SILENCE:-30} after=${AFTER:-40}
for needed in reveille reveille-mock reveille-sim; do
  [ -x "$bin/$needed" ] || { echo "no $bin/$needed: scripts/build release reveille reveille-mock reveille-sim" >&2; exit 2; }
done
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  [ -n "${KEEP:-}" ] && echo "logs in $work" || rm -rf "$work"
}
trap finish EXIT
wait_for() {  # log pattern
  for _ in $(seq 150); do grep -q -- "$2" "$1" 2>/dev/null && return; sleep 0.1; done
  echo "$1 never said $2:" >&2; tail -n 15 "$1" >&2; exit 1
}

"$bin/reveille-mock" --directory "$work/mock" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 --quiet >"$work/mock.log" 2>&1 &
pids+=($!)
wait_for "$work/mock.log" '^control'
control=$(sed -n 's/^control *127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/mock.log")
cat >"$work/engine.toml" <<TOML
[node]
listen = ["udp:127.0.0.1:0"]
domains = ["example.com"]
shards = 1
[trust]
open = true
[store]
path = "$work/store"
[admin]
listen = "127.0.0.1:0"
TOML
cat "$work/mock/providers.toml" >>"$work/engine.toml"
"$bin/reveille" --config "$work/engine.toml" >"$work/engine.log" 2>&1 &
engine=$!
pids+=("$engine")
wait_for "$work/engine.log" 'listening on udp:'
sip=$(sed -n 's/.*listening on udp:\(.*:[0-9]*\).*/\1/p' "$work/engine.log" | head -n 1)
admin=$(sed -n 's/.*admin API on http:\/\/\([0-9.]*:[0-9]*\).*/\1/p' "$work/engine.log" | head -n 1)

total=$((before + silence + after))
echo "registering $subscribers phones, then $calls calls a second for $total s; both providers silent from second $before to $((before + silence))" >&2
"$bin/reveille-sim" load --engine "$sip" --pushes-from "127.0.0.1:$control" --engine-pid "$engine" -n "$subscribers" -r "$calls" -d "${total}s" \
  --wake-delay lognormal:p50=600ms,p99=3s --never-wake 0 --moves 0 --caller-hangs-up 0 --nobody-answers 0 --settle 60s \
  --providers-silent "${before}s..$((before + silence))s" --pushes-per-call 2 --allow-fcm-repeats --json "$work/run.json" --quiet >"$work/sim.log" 2>&1 &
sim=$!
pids+=("$sim")
metric() { awk -v name="$1" -v with="${2:-}" 'index($1, name) == 1 && index($1, with) { n += $2 } END { printf "%d", n }' "$work/metrics"; }
sample() {
  curl -s --max-time 5 "http://$admin/metrics" >"$work/metrics" || return 0
  awk -v t="$1" '/^VmRSS/ { printf "%d %.0f ", t, $2 / 1024 }' "/proc/$engine/status" >>"$work/samples"
  echo "$(metric reveille_push_queue_length) $(metric reveille_push_in_flight) $(metric reveille_push_requests_total accepted)" >>"$work/samples"
}
# The first push says that the calls have begun.
until [ "$(curl -s "http://127.0.0.1:$control/metrics" | awk '/^reveille_mock_requests_total/ { n += $2 } END { print n + 0 }')" -gt 0 ]; do
  kill -0 "$sim" 2>/dev/null || { cat "$work/sim.log" >&2; exit 1; }
  sleep 0.2
done
began=$(date +%s.%N)
for second in $(seq 0 $((total + 5))); do
  if [ "$second" = "$before" ]; then
    printf '{"faults":[{"from":0,"until":%s,"connections":{"read":"stopped","accept":"silent"}}]}\n' "$silence" >"/dev/tcp/127.0.0.1/$control"
  fi
  sample "$second"
  [ $((second % 10)) = 0 ] && echo "second $second" >&2
  sleep "$(awk -v began="$began" -v due="$((second + 1))" -v now="$(date +%s.%N)" 'BEGIN { d = began + due - now; print (d > 0 ? d : 0) }')"
done
wait "$sim" || true

printf '%8s %12s %14s %10s %18s\n' second 'memory, MB' 'pushes waiting' 'in flight' 'accepted a second'
awk -v before="$before" -v silence="$silence" '
  { rate = NR > 1 ? ($5 - last) / ($1 - at) : 0; last = $5; at = $1
    if ($1 < before && $3 + $4 > usual) usual = $3 + $4
    if ($1 >= before + silence && !recovered && $3 + $4 <= usual + 50) recovered = $1
    if ($2 > peak) peak = $2
    if ($1 % 5 == 0) printf "%8d %12d %14d %10d %18d%s\n", $1, $2, $3, $4, rate, $1 == before ? "   silence begins" : $1 == before + silence ? "   silence ends" : "" }
  END { if (recovered) printf "queues as before %d s after the silence; ", recovered - before - silence; else printf "queues never as before; "
    printf "memory at most %d MB\n", peak }' "$work/samples"
echo
echo "Pushes ended, by the engine's counters:"
grep '^reveille_push_requests_total' "$work/metrics" | awk '{ if ($2 > 0) print "  " $0 }'
echo
echo "What callers and phones saw (no push: calls whose 30 s lay inside the silence):"
sed "/^Violations/q" "$work/sim.log"
