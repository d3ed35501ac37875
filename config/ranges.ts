import { z } from "zod";

/** Ranges of IPv4 addresses, and who is let in by them. */

const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const cidrPattern = new RegExp(`^(${octet}\\.){3}${octet}/(3[0-2]|[12]?\\d)$`);

interface Range {
  /** The address that it is named by, as a number. */
  readonly address: number;
  readonly bits: number;
}

function parseRange(text: string): Range {
  const [address = "", bits = "32"] = text.split("/");
  return { address: address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0), bits: Number(bits) };
}

/** How many addresses are in it. */
function sizeOf({ bits }: Pick<Range, "bits">): number {
  return 2 ** (32 - bits);
}

/** The first address of a range, e.g. `203.0.113.0` of `203.0.113.7/24`. */
function firstAddress(range: Range): string {
  const first = range.address - (range.address % sizeOf(range));
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
}

/** The aws provider refuses a range that is not named by its first address. */
function byFirstAddress(value: string, context: z.RefinementCtx): void {
  if (!cidrPattern.test(value)) return;
  const [address = "", bits = ""] = value.split("/");
  const first = firstAddress(parseRange(value));
  if (first !== address)
    context.addIssue(
      `a range is named by its first address: ${first}/${bits}; or ${address}/32 for that address alone`,
    );
}

/** What AWS takes as a network, and cut into four as its subnets, which are /28 at least. */
const [largest, smallest] = [16, 26];

/** A network's range of IPv4 addresses. */
export const networkCidr = z
  .string()
  .regex(cidrPattern, "a range of IPv4 addresses such as 10.42.0.0/24")
  .refine(
    (text) => !cidrPattern.test(text) || (parseRange(text).bits >= largest && parseRange(text).bits <= smallest),
    `from /${largest} to /${smallest}: AWS takes no larger network, and its four subnets no smaller one`,
  )
  .superRefine(byFirstAddress);

/** What everybody is let in by; only where it stands as such. */
const internet = "internet";
/** The widest range of public addresses that still names somebody: a /16, and all ranges together no more than four of them. */
const widest = 16;
const mostAddresses = 4 * sizeOf({ bits: widest });
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
        `a range of IPv4 addresses such as 203.0.113.7/32, or ${internet}`,
      )
      .refine(
        (text) => text === internet || isPrivate(text) || parseRange(text).bits >= widest,
        `wider than /${widest}, which names nobody; name the addresses (203.0.113.7/32 for one), or ${internet} where everybody is meant`,
      )
      .superRefine(byFirstAddress),
  )
  .refine((all) => new Set(all).size === all.length, "one of them stands here twice")
  .refine(
    (all) => publicAddresses(all) <= mostAddresses,
    `more public addresses together than four ranges of /${widest}, which names nobody; name fewer, or ${internet} where everybody is meant`,
  );

/** The ranges that AWS is told. */
export function rangesOf(named: readonly string[]): string[] {
  return named.map((one) => (one === internet ? "0.0.0.0/0" : one));
}

function isPrivate(text: string): boolean {
  const { address, bits } = parseRange(text);
  return privateNetworks.some(
    (network) => bits >= network.bits && address - (address % sizeOf(network)) === network.address,
  );
}

/** Overlaps count twice: it is a bound, not a census. */
function publicAddresses(named: readonly string[]): number {
  return named
    .filter((one) => one !== internet && !isPrivate(one))
    .reduce((sum, one) => sum + sizeOf(parseRange(one)), 0);
}
