import type { Step } from "../script.js";
import { hostPaths, pipelineUser } from "../../../config/hostPaths.js";
import { quote } from "../shell.js";

/** The volume that the data is on: an EBS volume by its id, as its NVMe serial number, or a block device by its path. */
export type DataVolume = { readonly volumeId: string } | { readonly device: string };

/** How long a host waits for its volume to be attached, in seconds. */
const attachSeconds = 300;

/**
 * Mounts the data volume. It is formatted only where it holds nothing at all: no file system, no partitions, no other
 * signature that is known.
 */
export function dataVolumeStep(volume: DataVolume): Step {
  return {
    name: "data-volume",
    body: `
${locate(volume)}
for try in $(seq ${attachSeconds}); do
  device=$(locate)
  [ -b "$device" ] && break
  [ "$try" -lt ${attachSeconds} ] || fail "the data volume ($volume) was not attached within ${attachSeconds} s"
  sleep 1
done
echo "the data volume $volume is $device"
blockdev --getsize64 "$device"
# Exit code 2 where nothing is known of what it holds; the first MiB must be readable and empty as well.
code=0
found=$(blkid -p -o export "$device") || code=$?
type=$(sed -n 's/^TYPE=//p' <<<"$found")
case $code in
  0) [ "$type" = ext4 ] || fail "$device holds $(tr '\\n' ' ' <<<"$found"), which this host did not make; it was left as it is" ;;
  2)
    cmp -n 1048576 "$device" /dev/zero || fail "$device holds no file system, but is not empty; it was left as it is"
    echo "nothing is on $device: making a file system"
    mkfs.ext4 -q -m 1 -L safe-migration "$device"
    ;;
  *) fail "what is on $device cannot be told (blkid: exit code $code); it was left as it is" ;;
esac
uuid=$(blkid -p -s UUID -o value "$device")
mkdir -p ${hostPaths.data}
sed -i '\\# ${hostPaths.data} #d' /etc/fstab
echo "UUID=$uuid ${hostPaths.data} ext4 defaults,noatime,nofail,x-systemd.device-timeout=60s 0 2" >>/etc/fstab
if mountpoint -q ${hostPaths.data}; then
  mounted=$(findmnt -nro SOURCE ${hostPaths.data})
  [ "$(readlink -f "$mounted")" = "$(readlink -f "$device")" ] || fail "${hostPaths.data} is $mounted, not $device"
else
  [ -z "$(ls -A ${hostPaths.data})" ] || fail "${hostPaths.data} holds files and nothing is mounted there: they would be hidden"
  mount ${hostPaths.data}
fi
resize2fs "$device"
install -d -o ${pipelineUser} -g ${pipelineUser} -m 0700 ${hostPaths.data}/pipeline
[ -L ${hostPaths.work} ] || rmdir ${hostPaths.work} 2>/dev/null || true
ln -sfn ${hostPaths.data}/pipeline ${hostPaths.work}`,
  };
}

function locate(volume: DataVolume): string {
  if ("device" in volume) {
    if (!/^\/dev\/[A-Za-z0-9/_-]+$/.test(volume.device)) throw new Error(`"${volume.device}" is no block device`);
    return `volume=${quote(volume.device)}\nlocate() { echo "$volume"; }`;
  }
  if (!/^vol-[0-9a-f]+$/.test(volume.volumeId)) throw new Error(`"${volume.volumeId}" is no id of a volume`);
  // Instances of today have EBS as NVMe, whose serial number is the id without its dash.
  const serial = volume.volumeId.replace("-", "");
  return `volume=${volume.volumeId}\nlocate() { lsblk -dnpo NAME,SERIAL | awk -v serial=${serial} '$2 == serial { print $1 }'; }`;
}

/** Room for what stages write, on a host without a data volume. */
export function workFolderStep(): Step {
  return {
    name: "work-folder",
    body: `install -d -o ${pipelineUser} -g ${pipelineUser} -m 0700 ${hostPaths.work}`,
  };
}
