import { PipelineError } from "../../pipeline/errors.js";

interface Trouble {
  readonly said: RegExp;
  readonly code: string;
  readonly kind: "usage" | "refused";
  /** @param reason the line of Pulumi's that says it */
  message(stack: string, reason: string): string;
  next(stack: string): string;
}

/** What stands between Pulumi's CLI and a stack, by what it says of it; from its source and tried, 3.230.0. */
const troubles: readonly Trouble[] = [
  {
    said: /PULUMI_ACCESS_TOKEN must be set/,
    code: "NO_BACKEND",
    kind: "usage",
    message: (stack) =>
      `Where the state of the stack "${stack}" is kept is not known: nobody is logged in to a backend.`,
    next: () => "Set PULUMI_BACKEND_URL (s3://…, file://…), or log in with: pulumi login; then run the same command.",
  },
  {
    said: /passphrase must be set/,
    code: "NO_PASSPHRASE",
    kind: "usage",
    message: (stack) => `The secrets of the stack "${stack}" are kept by a passphrase, and none is set.`,
    next: () => "Set PULUMI_CONFIG_PASSPHRASE_FILE (or PULUMI_CONFIG_PASSPHRASE); then run the same command.",
  },
  {
    said: /incorrect passphrase/,
    code: "WRONG_PASSPHRASE",
    kind: "usage",
    message: (stack) => `The passphrase that is set is not that of the stack "${stack}".`,
    next: (stack) =>
      `Set the one that Pulumi.${stack}.yaml was encrypted with (PULUMI_CONFIG_PASSPHRASE goes before PULUMI_CONFIG_PASSPHRASE_FILE); then run the same command.`,
  },
  {
    said: /NoCredentialProviders|no EC2 IMDS role found|Expired ?Token|InvalidAccessKeyId|InvalidClientTokenId|SignatureDoesNotMatch|AccessDenied/i,
    code: "BACKEND_CREDENTIALS",
    kind: "refused",
    message: (stack, reason) => `AWS does not let the state of the stack "${stack}" be read: ${reason}`,
    next: () =>
      "aws sts get-caller-identity says who you are to AWS: log in (aws sso login, AWS_PROFILE) as somebody who may use the bucket of the state and the key of its secrets; then run the same command.",
  },
  {
    said: /unable to open bucket|NoSuchBucket|no such host|connection refused|i\/o timeout/i,
    code: "BACKEND_UNREACHABLE",
    kind: "refused",
    message: (stack, reason) => `The backend that keeps the state of the stack "${stack}" cannot be reached: ${reason}`,
    next: () =>
      "pulumi whoami --verbose says which backend that is; PULUMI_BACKEND_URL goes before a login. Then run the same command.",
  },
];

/** Why Pulumi's CLI does not come to a stack, in words; `undefined` where what it said is not about that. */
export function troubleOf(stack: string, said: string): PipelineError | undefined {
  const found = troubles.find((trouble) => trouble.said.test(said));
  if (found === undefined) return undefined;
  const { code, kind } = found;
  const state = "Nothing was touched.";
  return new PipelineError({
    code,
    kind,
    message: found.message(stack, reasonIn(said)),
    state,
    next: found.next(stack),
  });
}

/** The error, without the advice that follows it in lines of their own. */
function reasonIn(said: string): string {
  const [line = said] = said.split("\n").filter((one) => one.startsWith("error: "));
  return line.replace(/^error: /, "").trim();
}
