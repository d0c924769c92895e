#!/usr/bin/env bash
# Code of many forms for pattern tests.
set -euo pipefail
limit=10
name="${1:-none}"

say() { echo "sample: $*" >&2; }

die() {
  say "error: $*"
  exit 1
}

count() {
  local total=0 file
  for file in *.txt; do
    total=$((total + 1))
  done
  echo "$total"
}

if [ $name ]; then
  say "$name"
fi
if [ "$name" = none ]; then
  exit 0
elif [ "$name" = "$name" ]; then
  cd "$name"
fi
[ -d "$name" ] || die "no folder"
[ -f a.txt ] && echo found
case "$name" in
  a*) shift ;;
  *) return 0 ;;
esac
while read -r line; do
  echo "$line" | tr a-z A-Z >> out.txt
done < a.txt
export PATH="$PATH:/opt/bin"
count
exit $limit
