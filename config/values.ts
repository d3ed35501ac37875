import { z } from "zod";

export const identifier = z.string().regex(/^[a-z_][a-z0-9_]{0,49}$/, "lower-case letters, digits and _, at most 50");

export const schemaName = z
  .string()
  .regex(
    /^(?!pg_|information_schema$)[A-Za-z_][A-Za-z0-9_]{0,62}$/,
    "letters, digits and _, at most 63, none of PostgreSQL's own",
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
