#!/usr/bin/env bash
# Removes what the hosts of one run left: their processes, networks, volumes and files.
# Usage: clean.sh FOLDER [PID]    with PID: waits until that process has ended, or the folder is gone
set -uo pipefail
folder=$1
id=$(basename "$folder")
if [ -n "${2:-}" ]; then
  while kill -0 "$2" 2>/dev/null && [ -d "$folder" ]; do sleep 0.5; done
fi
[ -d "$folder" ] || exit 0

# Each host's folder is named as its network and, behind the run's name, its cgroup.
for host in "$folder"/*/; do
  host=$(basename "$host")
  [ -f "$folder/$host/cgroup" ] || continue
  cgroup=$(cat "$folder/$host/cgroup")
  if [ -d "$cgroup" ]; then
    echo 1 >"$cgroup/cgroup.kill"
    for _ in $(seq 100); do
      grep -q 'populated 1' "$cgroup/cgroup.events" || break
      sleep 0.1
    done
    find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null
  fi
  ip netns del "$id-$host" 2>/dev/null
done
[ ! -f "$folder/address" ] || ip address del "$(cat "$folder/address")/32" dev lo 2>/dev/null
for image in "$folder"/*.volume; do
  [ -f "$image" ] || continue
  losetup -j "$image" -n -O NAME | while read -r device; do losetup -d "$device"; done
done
rm -rf --one-file-system "$folder"
