/** The Pulumi CLI this project is tested with; the SDK in package.json is the same. */
export const pulumiVersion = "3.230.0";
export const commandPluginVersion = "1.2.1";

/** The first `1.2.3` in a text, as numbers; nothing if there is none. */
export function parseVersion(text) {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/** Negative if the left version is older, 0 if they are equal, positive if it is newer. */
export function compareVersions(left, right) {
  const [a, b] = [parseVersion(left), parseVersion(right)];
  if (!a || !b) throw new Error(`not a version: ${a ? right : left}`);
  for (let index = 0; index < 3; index++) {
    if (a[index] !== b[index]) return a[index] - b[index];
  }
  return 0;
}

/** Whether a `pulumi` of this version can be used: not older than the pinned one, of the same major version, and released. */
export function isUsablePulumi(version) {
  const parsed = parseVersion(version);
  if (!parsed) return false;
  const [wantedMajor] = parseVersion(pulumiVersion);
  return parsed[0] === wantedMajor && compareVersions(version, pulumiVersion) >= 0;
}
