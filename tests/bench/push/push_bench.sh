#!/usr/bin/env bash
# Pushes a second and client CPU a push over one TLS connection, in one run: our senders (JSON and bearer token included),
# h2load (bare requests) and @parse/node-apn against the same nghttpd; then our senders against our own mock.
#
#   tests/bench/push/push_bench.sh [BUILD]        BUILD = build/release
#
# Environment: ROUNDS (5; medians are printed), PUSHES (200000; half of it for 4 KB, a tenth for node-apn).
# Needs apt-get install nghttp2-client nghttp2-server; for node-apn: (cd tests/interop/clients && npm ci), else it is left out.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
bin=$(realpath "${1:-$root/build/release}")/bin   # it runs elsewhere
rounds=${ROUNDS:-5}
pushes=${PUSHES:-200000}
for needed in "$bin/push_bench" "$bin/reveille-mock"; do
  [ -x "$needed" ] || { echo "no $needed: scripts/build release push_bench reveille-mock" >&2; exit 2; }
done
for needed in nghttpd h2load; do
  command -v $needed >/dev/null || { echo "no $needed: apt-get install nghttp2-client nghttp2-server" >&2; exit 2; }
done
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
cd "$work"

# The mock's keys serve all: its directory holds the CA, the certificate for localhost and Apple's signing key.
start_mock() {
  "$bin/reveille-mock" --directory "$work" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 \
    --delivery-median 0 --delivery-p99 0 --record 0 --quiet >mock.log 2>&1 &
  mock=$!
  pids+=("$mock")
  for _ in $(seq 100); do [ -f endpoints.json ] && grep -q control mock.log && break; sleep 0.1; done
  mock_port=$(sed -n 's|.*"apns": "https://127.0.0.1:\([0-9]*\)".*|\1|p' endpoints.json)
  [ -n "$mock_port" ] || { cat mock.log >&2; exit 1; }
}
start_nghttpd() {
  mkdir -p docs/3/device
  local i name
  for i in $(seq 0 999); do
    name=$(printf '%064x' "$i")
    : >"docs/3/device/$name"
    echo "https://127.0.0.1:18444/3/device/$name" >>uris.txt
    : >"docs/3/device/$(printf 'device%s' "$i" | sha256sum | cut -c1-64)"   # node-apn's
  done
  head -c 142 /dev/zero | tr '\0' x >p142
  head -c 4096 /dev/zero | tr '\0' x >p4096
  nghttpd -a 127.0.0.1 -d docs -m 1000 -w 20 -W 26 18444 server.key server.pem >/dev/null 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do openssl s_client -connect 127.0.0.1:18444 </dev/null >/dev/null 2>&1 && return; sleep 0.1; done
  echo "nghttpd does not start on port 18444" >&2
  exit 1
}
cpu_of() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$1/stat"; }

ours() {  # name size pushes port
  "$bin/push_bench" --ca ca.pem --key AuthKey_ABC123DEFG.p8 --port "$4" --pushes "$3" --size "$2" |
    awk -v name="$1" -v size="$2" '{ for (i = 1; i < NF; ++i) { if ($(i + 1) ~ /^pushes\/s/) rate = $i; if ($i == "CPU") cpu = $(i + 1) } }
      END { print name, size, rate, cpu }' >>results
}
with_h2load() {  # size pushes
  local jwt; jwt=$(head -c 184 /dev/zero | tr '\0' j)
  bash -c "time h2load -i uris.txt -n $2 -c 1 -t 1 -m 1000 -d p$1 -H 'authorization: bearer $jwt' \
    -H 'apns-topic: com.example.phone.voip' -H 'apns-push-type: voip' -H 'apns-priority: 10' -H 'apns-expiration: 0' \
    https://127.0.0.1:18444/3/device/0" 2>&1 |
    awk -v n="$2" -v size="$1" '/^finished in/ { rate = $4 } /^(user|sys)/ { split($2, t, "m"); cpu += 60 * t[1] + t[2] }
      END { print "h2load", size, rate, 1e6 * cpu / n }' >>results
}
with_node_apn() {  # size pushes
  REVEILLE_MOCK_DIRECTORY=$work node "$root/tests/interop/clients/send-node-apn.js" 127.0.0.1 18444 "$2" --concurrency 1000 --size "$1" |
    tail -n 1 | sed 's/.*"ok":\([0-9]*\),.*"per_s":\([0-9]*\),.*"us_cpu_per_push":\([0-9.]*\),.*/\1 \2 \3/' |
    awk -v n="$2" -v size="$1" '$1 < n { print "node-apn lost " n - $1 > "/dev/stderr" } { print "node-apn", size, $2, $3 }' >>results
}

start_mock
start_nghttpd
peers=1
command -v node >/dev/null && [ -d "$root/tests/interop/clients/node_modules" ] || peers=0
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for size in 142 4096; do
    n=$((size == 142 ? pushes : pushes / 2))
    ours reveille "$size" "$n" 18444
    with_h2load "$size" "$n"
    [ "$peers" = 0 ] || with_node_apn "$size" $((n / 10))
    before=$(cpu_of "$mock")
    ours reveille-to-mock "$size" "$n" "$mock_port"
    echo "mock $size 0 $(awk -v a="$before" -v b="$(cpu_of "$mock")" -v n="$n" 'BEGIN { print 1e6 * (b - a) / n }')" >>results
  done
done
sort -k1,2 -k4,4n results | awk -v rounds="$rounds" '
  { key = $1 " " $2; rates[key] = rates[key] " " $3; cpus[key] = cpus[key] " " $4 }
  function median(list,   v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; ++i) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; --j) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n ? v[int((n + 1) / 2)] : 0
  }
  function cell(name, size,   cpu, base) {
    cpu = median(cpus[name " " size]); base = median(cpus["h2load " size])
    if (!cpu) return sprintf("%10s %8s %7s", "-", "-", "-")
    return sprintf("%10s %8.2f %7s", rates[name " " size] ~ /[1-9]/ ? sprintf("%d", median(rates[name " " size])) : "", cpu, base ? sprintf("%.2f", cpu / base) : "-")
  }
  function line(text, name) { printf "%-44s %s   %s\n", text, cell(name, 142), cell(name, 4096) }
  END {
    printf "medians of %d rounds; CPU in us a push, user and system; ratio to h2load\n", rounds
    printf "%-44s %10s %8s %7s   %10s %8s %7s\n", "one TLS connection", "142 B: /s", "CPU", "ratio", "4 KB: /s", "CPU", "ratio"
    line("reveille, JSON and bearer token, to nghttpd", "reveille")
    line("h2load, bare requests, to nghttpd", "h2load")
    line("@parse/node-apn to nghttpd", "node-apn")
    line("reveille to reveille-mock", "reveille-to-mock")
    line("  reveille-mock itself, all checks", "mock")
  }'
