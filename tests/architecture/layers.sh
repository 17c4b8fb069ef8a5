#!/usr/bin/env bash
# A folder includes only what lies below it (docs/architecture.md), CAF stays in its folders, and no file but the
# adapters reads a clock or draws a random number of its own.
set -uo pipefail
cd "${1:-.}" || exit 2
declare -A below=(
  [core]="core" [sip]="core sip" [pns]="core sip pns" [actors]="core sip pns actors" [net]="core net"
  [engine]="core sip pns actors net engine" [mock_providers]="core sip pns net mock_providers"
  [simulator]="core sip pns net mock_providers simulator"
)
# Within these layers too: each folder, and the folders of its layer that it may include.
declare -A within=(
  [net/udp]="" [net/tls]="" [net/http2]="tls" [net/http1]="tls http2" [net/metrics]=""
  [mock_providers/requests]="" [mock_providers/accounts]="" [mock_providers/delivery]=""
  [mock_providers/apns]="requests accounts delivery" [mock_providers/fcm]="requests accounts delivery"
  [mock_providers/faults]="requests delivery fcm"
  [mock_providers/backend]="requests accounts delivery apns fcm faults"
  [mock_providers/control]="requests accounts delivery apns fcm faults backend"
  [mock_providers/server]="requests accounts delivery apns fcm faults backend control"
)
faults=0
fault() { echo "$1"; faults=$((faults + 1)); }
while IFS=: read -r file line include; do
  from=${file%%/*} to=$(sed 's/.*"\([^"]*\)".*/\1/' <<<"$include") target=${to%%/*}
  allowed=${below[$from]}
  case $file in
    simulator/world/* | simulator/main.cpp | simulator/*_command.*) allowed="$allowed actors engine" ;;   # the world may use all
    simulator/load/*) [[ $to == engine/* || $to == actors/* ]] && fault "$file:$line: the load simulator must not share the engine's mistakes: $to" ;;
  esac
  [[ " $allowed " == *" $target "* ]] || fault "$file:$line: $from may not include $to"
  folder=${file%/*} other=${to%/*}
  if [[ $target == "$from" && $folder != "$other" && -n ${within[$folder]+known} ]]; then
    [[ " ${within[$folder]} " == *" ${other#*/} "* ]] || fault "$file:$line: $folder may not include $to"
  fi
done < <(grep -rnE '^#include "' --include='*.hpp' --include='*.cpp' "${!below[@]}")
while IFS=: read -r file line _; do
  case $file in
    actors/behaviors/* | actors/runtime/* | simulator/cluster/* | simulator/load/behaviors/* | */main.cpp) ;;
    *) fault "$file:$line: CAF only in behaviors/, runtime/, cluster/ and the mains" ;;
  esac
done < <(grep -rnE '^#include <caf/' --include='*.hpp' --include='*.cpp' "${!below[@]}")
while IFS=: read -r file line text; do
  fault "$file:$line: time and randomness are ports: ${text##* }"
done < <(grep -rnE '_clock::now\(\)|std::random_device|std::this_thread::sleep|[^_a-z]usleep\(' --include='*.hpp' --include='*.cpp' "${!below[@]}" |
         grep -vE '^core/system_ports\.cpp:|^[^:]*:[0-9]+: *(//|///|\*)')
[ "$faults" -eq 0 ] || { echo "$faults faults"; exit 1; }
echo "every include goes down"
