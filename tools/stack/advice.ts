interface Advice {
  readonly said: RegExp;
  advice(stack: string): string;
}

/**
 * What AWS, SSH and Pulumi's engine refuse, by what they say of it, and what to do about it: their own messages name neither a setting nor a
 * command of this project. The first that fits counts.
 */
const known: readonly Advice[] = [
  {
    said: /failed attempts: .*host key mismatch/,
    advice: () =>
      "The host shows another key than connection.hostKey, so nothing was sent to it: somebody may be in between. If its key was changed on purpose, set the new one.",
  },
  {
    said: /failed attempts: .*unable to authenticate/,
    advice: () =>
      "The host does not take connection.privateKey: it knows the public half that it was made with, or that was written there, for connection.user.",
  },
  {
    said: /\d failed attempts: /,
    advice: () =>
      "The host was not reached: look whether it runs, whether connection.from names the address that you come from, and whether connection.host and port are its own.",
  },
  {
    said: /BucketAlreadyExists|BucketAlreadyOwnedByYou/,
    advice: (stack) =>
      `A bucket of that name is there already; names are one for all of AWS. Choose another: pulumi config set --path store.bucket NAME --stack ${stack}; or leave store.bucket out, and one is made up.`,
  },
  {
    said: /No valid credential sources|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|Expired ?Token|\bSSO\b.*(expired|invalid)/,
    advice: () =>
      "AWS does not know who you are: aws sts get-caller-identity says the same; log in (aws sso login, AWS_PROFILE).",
  },
  {
    said: /AccessDenied|UnauthorizedOperation|not authorized to perform/,
    advice: () =>
      "You, or the role of the stack, may not do that: the message says which action on what; docs/aws.md says what a stack is made of.",
  },
  {
    said: /invalid AWS Region/,
    advice: (stack) => `Name one that there is: pulumi config set aws:region eu-west-1 --stack ${stack}.`,
  },
  {
    said: /VcpuLimitExceeded|AddressLimitExceeded|VpcLimitExceeded|LimitExceeded|QuotaExceeded/,
    advice: () =>
      "The account has reached a quota: raise it (Service Quotas in AWS's console), or remove what is not used.",
  },
  {
    said: /InsufficientInstanceCapacity|InsufficientDBInstanceCapacity/,
    advice: () =>
      "AWS has none of that type left in this zone at the moment: try again later, or name another type (database.instanceType, database.instanceClass, runner.instanceType).",
  },
  {
    // Of a backend that is a folder: another stack's state is read while an update writes it.
    said: /failed to load checkpoint: (unexpected )?(EOF|end of JSON)/,
    advice: () =>
      "Another update was just writing the state of the stack that is asked (promotion.from, refresh.from), and nothing was touched: run the same command again.",
  },
  {
    said: /Cannot delete protected DB Instance/,
    advice: () =>
      "Deletion protection keeps that database. If it is to go: aws rds modify-db-instance --db-instance-identifier NAME --no-deletion-protection --apply-immediately.",
  },
];

/** What to do about a line of the engine's; `undefined` where it is about nothing of the kind. */
export function adviceOn(stack: string, line: string): string | undefined {
  return known.find(({ said }) => said.test(line))?.advice(stack);
}
