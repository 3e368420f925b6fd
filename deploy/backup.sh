#!/bin/sh
# One consistent copy of the ledger in a folder, checked; copies older than so many days go: sh backup.sh FOLDER DAYS
# The master key is not copied: kept beside the copies it would open them for whoever finds them.
set -eu
folder=$1
days=$2
copy=$folder/vipgate-$(date -u +%Y%m%dT%H%M%SZ).db
"${VIPGATE:-vipgate}" backup "$copy"
# Opens the copy as a gateway would, and reads every park: a copy that cannot be restored is found tonight.
parks=$("${VIPGATE:-vipgate}" park list --database "sqlite:///$copy" --format jsonl | wc -l)
rm -f "$copy-wal" "$copy-shm"
echo "$copy: $parks parks"
find "$folder" -maxdepth 1 -name 'vipgate-*.db' -mtime "+$days" -delete
