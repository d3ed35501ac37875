import { z } from "zod";

export const identifier = z.string().regex(/^[a-z_][a-z0-9_]{0,49}$/, "lower-case letters, digits and _, at most 50");

export const schemaName = z
  .string()
  .regex(
    /^(?!pg_|information_schema$)[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    "letters, digits and _, at most 63, none of PostgreSQL's own",
  );

const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const cidrPattern = new RegExp(`^(${octet}\\.){3}${octet}/(3[0-2]|[12]?\\d)$`);

/** The first address of a range, e.g. `203.0.113.0` of `203.0.113.7/24`. */
function firstAddress(range: string): string {
  const [address = "", length = ""] = range.split("/");
  const size = 2 ** (32 - Number(length));
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const first = number - (number % size);
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
}

/** The aws provider refuses a range that is not named by its first address. */
function byFirstAddress(value: string, context: z.RefinementCtx): void {
  if (!cidrPattern.test(value)) return;
  const [address = "", length = ""] = value.split("/");
  const first = firstAddress(value);
  if (first !== address)
    context.addIssue(
      `a range is named by its first address: ${first}/${length}; or ${address}/32 for that address alone`,
    );
}

/** A range of IPv4 addresses. */
export const cidr = z
  .string()
  .regex(cidrPattern, "a range of addresses such as 203.0.113.7/32")
  .superRefine(byFirstAddress);

/** What everybody is let in by; only where it stands as such. */
export const internet = "internet";
/** The widest range of public addresses that still names somebody: a /16, and all ranges together no more than four of them. */
const widest = 16;
const mostAddresses = 4 * 2 ** (32 - widest);
/** Networks that nobody on the internet has an address of (RFC 1918, RFC 6598). */
const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].map(parseRange);

/**
 * Who is let in: named addresses. A range that is too wide to name anybody is refused, and so are many that are together (the
 * internet in two halves); `internet`, which stands for everybody, has to be asked for by this name.
 */
export const cidrs = z
  .array(
    z
      .string()
      .regex(
        new RegExp(`${cidrPattern.source}|^${internet}$`),
        `a range of addresses such as 203.0.113.7/32, or ${internet}`,
      )
      .refine(
        (text) => text === internet || isPrivate(text) || parseRange(text).bits >= widest,
        `wider than /${widest}, which names nobody; name the addresses (203.0.113.7/32 for one), or ${internet} where everybody is meant`,
      )
      .superRefine(byFirstAddress),
  )
  .refine(
    (all) => publicAddresses(all) <= mostAddresses,
    `more public addresses together than four ranges of /${widest}, which names nobody; name fewer, or ${internet} where everybody is meant`,
  );

/** The ranges that AWS is told. */
export function rangesOf(named: readonly string[]): string[] {
  return named.map((one) => (one === internet ? "0.0.0.0/0" : one));
}

function parseRange(text: string): { readonly first: number; readonly bits: number } {
  const [address = "", bits = "32"] = text.split("/");
  return { first: address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0), bits: Number(bits) };
}

function isPrivate(text: string): boolean {
  const { first, bits } = parseRange(text);
  return privateNetworks.some(
    (network) =>
      bits >= network.bits && Math.floor(first / 2 ** (32 - network.bits)) === network.first / 2 ** (32 - network.bits),
  );
}

/** Overlaps count twice: it is a bound, not a census. */
function publicAddresses(named: readonly string[]): number {
  return named
    .filter((one) => one !== internet && !isPrivate(one))
    .reduce((sum, one) => sum + 2 ** (32 - parseRange(one).bits), 0);
}

/** A public key of SSH; empty: not set yet. */
export const publicKey = z
  .string()
  .regex(
    /^((ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|ssh-rsa) [A-Za-z0-9+/]+=*( [^\r\n]*)?)?$/,
    "a public key such as ssh-ed25519 AAAA…",
  );

/**
 * A secret of the stack: its text as Pulumi hands it to the program, or in encrypted form as it stands in the stack's file,
 * which other commands read. Empty: not set yet.
 */
export const secretText = z.union([z.string(), z.strictObject({ secure: z.string() })]);
