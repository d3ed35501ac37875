#!/usr/bin/env bash
# Boots a Debian root as a machine of its own: Debian's systemd as process 1, in namespaces of its own.
# Usage: boot.sh NETNS CGROUP IMAGE FOLDER [BLOCK-DEVICE]
#   CGROUP  a new folder of the cgroup2 hierarchy, for this machine alone
#   IMAGE   the root that is below; never written to
#   FOLDER  what this machine writes (upper/), and where its root is put together (root/)
set -euo pipefail
netns=$1 cgroup=$2 image=$3 folder=$4 device=${5:-}

if [ "${BOOT_STAGE:-}" != inside ]; then
  echo $$ >"$cgroup/cgroup.procs"
  BOOT_STAGE=inside exec ip netns exec "$netns" \
    unshare --mount --pid --uts --ipc --cgroup --fork --kill-child bash "$0" "$@"
fi

mount --make-rprivate /
root=$folder/root
mkdir -p "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$folder/upper,workdir=$folder/work" "$root"
cd "$root"
mount -t proc proc proc
# The machine below is not to be changed from here: its kernel's settings and its devices.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
[ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run -o mode=755
mount -t tmpfs tmpfs dev -o mode=755
for name in null zero full random urandom tty; do
  touch "dev/$name"
  mount --bind "/dev/$name" "dev/$name"
done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=620,gid=5
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
if [ -n "$device" ]; then
  cp -a "$device" "dev/$(basename "$device")"
fi
hostname "$(basename "$folder")"
mkdir -p mnt
pivot_root . mnt
umount -l /mnt
exec env -i container=safe-migration-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/lib/systemd/systemd
