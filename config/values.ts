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

/** A range of IPv4 addresses. The aws provider refuses one that is not named by its first address. */
export const cidr = z
  .string()
  .regex(cidrPattern, "a range of addresses such as 203.0.113.7/32")
  .superRefine((value, context) => {
    if (!cidrPattern.test(value)) return;
    const [address = "", length = ""] = value.split("/");
    const first = firstAddress(value);
    if (first !== address)
      context.addIssue(
        `a range is named by its first address: ${first}/${length}; or ${address}/32 for that address alone`,
      );
  });

/** Named addresses. The whole internet is none: it is refused. */
export const cidrs = z.array(
  cidr.refine((value) => !value.endsWith("/0"), "the whole internet; name the addresses (203.0.113.7/32 for one)"),
);

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
