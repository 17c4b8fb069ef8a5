#!/usr/bin/env bash
# The alert rules are rules, and fire when they should and only then. usage: alerts.sh FOLDER (with rules/ and tests/)
# Exit status: 0 so it is, 1 not so, 77 promtool is missing.
set -uo pipefail
cd "$1" || exit 1
command -v promtool >/dev/null || { echo "skipped: promtool is not there (package prometheus)"; exit 77; }
promtool check rules rules/*.yml || exit 1
promtool test rules tests/*.yml || exit 1
# Each alert has a case of its own in which it fires.
faults=0
for alert in $(sed -n 's/^ *- alert: *//p' rules/*.yml); do
  grep -q "alertname=\"$alert\"" tests/*.yml || { echo "no case in which $alert fires"; faults=1; }
done
exit "$faults"
