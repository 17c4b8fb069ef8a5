#!/usr/bin/env bash
# SIPp as judge of the engine: scenarios of phones and callers that share no code with it, nor with our simulator.
#   sipp_test.sh REVEILLE REVEILLE-MOCK [SCENARIO...]
# Starts both on free ports and plays: plain woken cancelled_while_parked three_registers another_port
# Exit status: 0 passed, 1 failed, 77 skipped (SIPp or a program is missing).
set -euo pipefail

engine_program=${1:-}
mock_program=${2:-}
shift 2 || true
here=$(cd "$(dirname "$0")" && pwd)/sipp
for needed in sipp "$engine_program" "$mock_program"; do
  if [ -z "$needed" ] || ! command -v "$needed" >/dev/null; then
    echo "skipped: '${needed:-a program}' is not there"
    exit 77
  fi
done

work=$(mktemp -d)
pids=()
stop_all() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop_all EXIT

fail() {
  echo "FAILED: $*" >&2
  echo "--- engine" >&2
  tail -n 20 "$work/engine.log" >&2 || true
  tail -n 3 "$work/mock.log" >&2 || true
  for log in "$work"/${1%%:*}-*; do
    if [ -s "$log" ]; then echo "--- $log" >&2; tail -n 80 "$log" >&2; fi
  done
  exit 1
}

# until SECONDS COMMAND...: tries ten times a second.
until_true() {
  local tries=$(($1 * 10))
  shift
  while ! "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then return 1; fi
    sleep 0.1
  done
}

# ---- the programs

"$mock_program" --directory "$work/mock" --apns-port 0 --sandbox-port 0 --fcm-port 0 --control-port 0 \
  --delivery-median 20 --delivery-p99 50 --quiet >"$work/mock.log" 2>&1 &
pids+=($!)
until_true 10 grep -q '^control' "$work/mock.log" || fail "the mock providers did not start: $(cat "$work/mock.log")"
control=$(sed -n 's/^control *127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/mock.log")

cat >"$work/engine.toml" <<TOML
[node]
listen = ["udp:127.0.0.1:0"]
domains = ["example.com"]
shards = 2
[trust]
open = true
[store]
path = "$work/store"
[admin]
listen = "127.0.0.1:0"
TOML
cat "$work/mock/providers.toml" >>"$work/engine.toml"
"$engine_program" --config "$work/engine.toml" >"$work/engine.log" 2>&1 &
pids+=($!)
until_true 10 grep -q 'listening on udp:' "$work/engine.log" || fail "the engine did not start"
engine=$(sed -n 's/.*listening on udp:\([0-9.:]*\).*/\1/p' "$work/engine.log" | head -n 1)

# What reaches a device, a line of JSON each.
exec 3<>"/dev/tcp/127.0.0.1/$control"
echo '{"subscribe":true}' >&3

# next_push TOKEN TYPE: waits for a push of that type at that token.
next_push() {
  local line
  while IFS= read -r -t 8 -u 3 line; do
    case $line in *"\"$1\""*"$2"*) return 0 ;; esac
  done
  return 1
}

# ---- SIPp

# play NAME SCENARIO CALL [sipp options]: one call, waits for its end.
play() {
  local name=$1 scenario=$2 call=$3
  shift 3
  sipp "$engine" -sf "$here/$scenario.xml" -i 127.0.0.1 -m 1 -cid_str "$call" -nostdin -timeout 25s -timeout_error \
    -key domain example.com -trace_msg -message_file "$work/$name.messages" "$@" >"$work/$name.log" 2>&1
}
# The same in the background; its status is for `wait`.
play_beside() {
  play "$@" &
  beside=$!
  pids+=("$beside")
}
push_params() { printf ';pn-provider=fcm;pn-prid=%s;pn-param=reveille-mock' "$1"; }
# Tokens of the form that Firebase issues.
token_of() { printf 'sippsippsippsipp%06d:APA91b%0134d' "$1" "$1"; }

registered() { play "$1-registers" register "$1" -key user "$1" -key cseq 1 -key push "$2" || fail "$1: REGISTER"; }

plain() {
  play_beside plain-phone phone_answers plain@sipp -key user plain -key push "" -key ready "$work/plain.ready"
  local phone=$beside
  until_true 10 test -e "$work/plain.ready" || fail "plain: the phone did not register"
  play plain-caller caller_answered plain@sipp -key callee plain || fail "plain: the caller"
  wait "$phone" || fail "plain: the phone"
}

woken() {
  local token
  token=$(token_of 1)
  registered woken "$(push_params "$token")"
  play_beside woken-caller caller_answered woken@sipp -key callee woken
  local caller=$beside
  next_push "$token" '"invite"' || fail "woken: no push"
  play woken-phone phone_answers woken@sipp -key user woken -key push "$(push_params "$token")" -key ready /dev/null ||
    fail "woken: the phone"
  wait "$caller" || fail "woken: the caller"
}

cancelled_while_parked() {
  local token
  token=$(token_of 2)
  registered parked "$(push_params "$token")"
  play_beside cancelled_while_parked-caller caller_hangs_up parked@sipp -key callee parked
  local caller=$beside
  next_push "$token" '"invite"' || fail "cancelled_while_parked: no push"
  wait "$caller" || fail "cancelled_while_parked: the caller"
  play cancelled_while_parked-phone phone_too_late parked@sipp -key user parked -key push "$(push_params "$token")" ||
    fail "cancelled_while_parked: the phone"
  next_push "$token" '"missed_calls"' || fail "cancelled_while_parked: the missed call was not told"
}

three_registers() {
  local token
  token=$(token_of 3)
  registered thrice "$(push_params "$token")"
  play_beside three_registers-caller caller_answered thrice@sipp -key callee thrice
  local caller=$beside
  next_push "$token" '"invite"' || fail "three_registers: no push"
  play three_registers-phone phone_registers_thrice thrice@sipp -key user thrice -key push "$(push_params "$token")" ||
    fail "three_registers: the phone"
  wait "$caller" || fail "three_registers: the caller"
}

# The phone wakes, registers, and loses that address before it has answered anything: its next REGISTER comes from
# another port, and the INVITE must follow it there.
another_port() {
  local token
  token=$(token_of 4)
  registered mover "$(push_params "$token")"
  play_beside another_port-caller caller_answered mover@sipp -key callee mover
  local caller=$beside
  next_push "$token" '"invite"' || fail "another_port: no push"
  play another_port-first register mover-first -key user mover -key cseq 2 -key push "$(push_params "$token")" ||
    fail "another_port: the first REGISTER"
  play another_port-phone phone_answers mover@sipp -key user mover -key push "$(push_params "$token")" -key ready /dev/null ||
    fail "another_port: the phone at its new port"
  wait "$caller" || fail "another_port: the caller"
}

if [ $# -eq 0 ]; then set -- plain woken cancelled_while_parked three_registers another_port; fi
for scenario in "$@"; do
  "$scenario"
  echo "passed: $scenario"
done
