#!/usr/bin/env bash
# The tests that docs/providers.md names exist. usage: providers_page.sh PAGE TEST_PROGRAM...
# `Suite.Test` names a test, `Suite/Row` a row of a table of tests. Exit status: 0 so it is, 1 not so, 77 a program is not built.
set -uo pipefail
page=$1
shift
# A build of some targets only has not all programs: that is no verdict on the page.
absent=0
for program in "$@"; do
  [ -x "$program" ] || { echo "skipped: $program is not built"; absent=$((absent + 1)); }
done
[ "$absent" -eq 0 ] || exit 77
all=$(for program in "$@"; do "$program" --gtest_list_tests || exit 2; done |
      awk '/^[^ ]/ { suite = $1; next } /^ / { print suite $1 }')
[ -n "$all" ] || { echo "the programs list no tests"; exit 1; }
faults=0 named=0
while read -r name; do
  named=$((named + 1))
  case $name in
    *.*) pattern="(^|/)${name//./\\.}(/|\$)" ;;
    */*) pattern="(^|/)${name%%/*}\\.[^/]*/${name#*/}\$" ;;
  esac
  grep -qE "$pattern" <<<"$all" || { echo "$page: no such test: $name"; faults=$((faults + 1)); }
done < <(grep '^|' "$page" | grep -oE '`[A-Z][A-Za-z0-9]*[./][A-Z][A-Za-z0-9]*`' | tr -d '`' | sort -u)
[ "$named" -gt 50 ] || { echo "$page: only $named tests found: has its form changed?"; exit 1; }
# A row without a test proves nothing.
while read -r row; do
  echo "$page: no test: $row"
  faults=$((faults + 1))
done < <(sed '/^## What operators see/,$d' "$page" | grep -E '^\| ([0-9]|[a-z])' | grep -vE '^\| (status|answer|what happens) ' | grep -vE '`[A-Z][A-Za-z0-9]*[./][A-Z]')
[ "$faults" -eq 0 ] || { echo "$faults faults"; exit 1; }
echo "$named tests, all there"
