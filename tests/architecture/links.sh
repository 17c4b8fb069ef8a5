#!/usr/bin/env bash
# Every relative link of the documentation leads to a file that git knows.
set -euo pipefail
cd "$(dirname "$0")/../.."
faults=0
while read -r page; do
  while read -r target; do
    file=$(dirname "$page")/${target%%#*}
    [ -e "$file" ] && continue
    echo "$page: no such file: $target"
    faults=$((faults + 1))
  done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|mailto:|#)')
done < <(git ls-files '*.md' 2>/dev/null || find . -name '*.md' -not -path './build/*')
[ "$faults" -eq 0 ] && echo "the links lead somewhere" || { echo "$faults faults"; exit 1; }
