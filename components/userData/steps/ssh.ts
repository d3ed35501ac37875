import type { Step } from "../script.js";
import { hostPaths, pipelineUser } from "../../../config/hostPaths.js";
import { quote, writeFile } from "../shell.js";

/** Where the host fetches its private host key from; user data itself holds no secret. */
export interface HostKeySource {
  /** Name or ARN of the Secrets Manager secret whose value {@link hostKeySecretValue} made. */
  readonly secretId: string;
  /** The public half, `ssh-ed25519 AAAA…`: what the secret holds must belong to it. */
  readonly publicKey: string;
  readonly region: string;
  /** @default the region's own Secrets Manager */
  readonly secretsManagerUrl?: string;
}

export interface SshArgs {
  /** Public keys that may log in as the pipeline. */
  readonly authorizedKeys: readonly string[];
  readonly hostKey: HostKeySource;
}

const publicKeyPattern = /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+=*( [^\n\r]*)?$/;

/** The value of the secret that holds a host's private key (OpenSSH format): in Base64, which needs no escaping in JSON. */
export function hostKeySecretValue(privateKey: string): string {
  // Whatever carried it may have cut the last line end, without which OpenSSH does not read it.
  return Buffer.from(`${privateKey.trimEnd()}\n`).toString("base64");
}

/**
 * The pipeline's account, the host key that was chosen beforehand, and sshd with neither passwords nor other accounts. It is
 * the first step: whatever fails after it can be read over SSH.
 */
export function sshStep({ authorizedKeys, hostKey }: SshArgs): Step {
  for (const key of [hostKey.publicKey, ...authorizedKeys]) {
    if (!publicKeyPattern.test(key)) throw new Error(`not an SSH public key: "${key.slice(0, 40)}"`);
  }
  if (authorizedKeys.length === 0) throw new Error("authorizedKeys: none is given, nobody could log in");
  if (!/^[A-Za-z0-9/_+=.@:-]+$/.test(hostKey.secretId)) throw new Error(`"${hostKey.secretId}" names no secret`);
  if (!/^[a-z0-9-]+$/.test(hostKey.region)) throw new Error(`"${hostKey.region}" is no region`);
  const secretsManager = hostKey.secretsManagerUrl ?? `https://secretsmanager.${hostKey.region}.amazonaws.com`;
  const [type = "", blob = ""] = hostKey.publicKey.split(" ");
  return {
    name: "ssh",
    body: `
changed=0
install_packages ca-certificates curl openssh-server
getent passwd ${pipelineUser} >/dev/null || useradd --create-home --shell /bin/bash ${pipelineUser}
# No password, and yet not locked, which would refuse keys as well.
usermod --password '*' ${pipelineUser}
install -d -o ${pipelineUser} -g ${pipelineUser} -m 0750 ${hostPaths.bundles}
install -d -m 0755 /etc/ssh/authorized_keys
${writeFile(`/etc/ssh/authorized_keys/${pipelineUser}`, "0644", authorizedKeys.join("\n"))}

# The private host key comes from Secrets Manager, by the instance's profile. Credentials travel on standard input, never in
# arguments, which others can see.
wanted=${quote(`${type} ${blob}`)}
key=/etc/ssh/ssh_host_ed25519_key
public_of() { ssh-keygen -y -f "$1" 2>/dev/null </dev/null | cut -d ' ' -f 1,2 || true; }
if [ "$(public_of $key)" != "$wanted" ]; then
  metadata=http://169.254.169.254/latest
  imds() { printf 'header = "X-aws-ec2-metadata-token: %s"\\n' "$token" | curl -fsS --retry 5 --retry-connrefused --max-time 10 -K - "$metadata/$1"; }
  token=$(curl -fsS --retry 5 --retry-connrefused --max-time 10 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/api/token") ||
    fail "the instance metadata service gave no token"
  profile=$(imds meta-data/iam/security-credentials/) || fail "the instance has no profile, by which it could read its host key"
  credentials=$(imds "meta-data/iam/security-credentials/$profile") || fail "the profile $profile gave no credentials"
  field() { sed -n 's/.*"'"$1"'" *: *"\\([^"]*\\)".*/\\1/p'; }
  answer=$(printf 'user = "%s:%s"\\nheader = "X-Amz-Security-Token: %s"\\n' \\
    "$(field AccessKeyId <<<"$credentials")" "$(field SecretAccessKey <<<"$credentials")" "$(field Token <<<"$credentials")" |
    curl -sS --retry 5 --retry-connrefused --max-time 20 -K - --aws-sigv4 ${quote(`aws:amz:${hostKey.region}:secretsmanager`)} \\
      -H 'Content-Type: application/x-amz-json-1.1' -H 'X-Amz-Target: secretsmanager.GetSecretValue' \\
      --data ${quote(JSON.stringify({ SecretId: hostKey.secretId }))} ${quote(`${secretsManager}/`)}) ||
    fail "Secrets Manager did not answer"
  value=$(field SecretString <<<"$answer")
  [ -n "$value" ] || fail "Secrets Manager gave no value of ${hostKey.secretId}: $(field __type <<<"$answer") $(field '[Mm]essage' <<<"$answer")"
  rm -f $key.new
  (umask 077 && base64 -d <<<"$value" >$key.new) || fail "the secret ${hostKey.secretId} is not Base64"
  [ "$(public_of $key.new)" = "$wanted" ] ||
    fail "the secret ${hostKey.secretId} does not hold the private half of the host key that this stack knows"
  mv $key.new $key
  changed=1
fi
${writeFile("/etc/ssh/ssh_host_ed25519_key.pub", "0644", `${type} ${blob}`)}
${writeFile("/etc/ssh/sshd_config.d/00-safe-migration.conf", "0644", sshdSettings)}
sshd -t
[ "$changed" = 0 ] || systemctl restart ssh
systemctl enable --quiet ssh`,
  };
}

/** Read before every other file of settings, and the first one that names a setting counts. */
const sshdSettings = `HostKey /etc/ssh/ssh_host_ed25519_key
AllowUsers ${pipelineUser}
AuthorizedKeysFile /etc/ssh/authorized_keys/%u
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
PermitEmptyPasswords no
PermitUserEnvironment no
X11Forwarding no
AllowAgentForwarding no
# Only PostgreSQL's socket may be reached through it.
AllowTcpForwarding no
AllowStreamLocalForwarding local
MaxAuthTries 3
# A key cannot be guessed; whoever comes with a wrong one is told so, and not cut off after some tries.
PerSourcePenalties no`;
