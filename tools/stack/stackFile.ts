import { existsSync, readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { z } from "zod";

/** A stack's file that cannot be read as what it is. */
export class StackFileError extends Error {
  readonly state = "Nothing was touched.";
  readonly next: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.name = "StackFileError";
    this.next = `Mend ${path}, then run the same command.`;
  }
}

const stackFile = z
  .looseObject({ config: z.record(z.string(), z.unknown()).nullish(), encryptionsalt: z.string().optional() })
  .nullable();
export type StackFile = NonNullable<z.infer<typeof stackFile>>;

/** `Pulumi.<stack>.yaml`; empty where there is none. @throws StackFileError naming line and column of a mistake. */
export function readStackFile(path: string): StackFile {
  if (!existsSync(path)) return {};
  const document = parseDocument(readFileSync(path, "utf8"));
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new StackFileError(path, `not YAML: ${mistake.message}`);
  const parsed = stackFile.safeParse(document.toJS());
  if (!parsed.success) throw new StackFileError(path, `not a stack's settings:\n${z.prettifyError(parsed.error)}`);
  return parsed.data ?? {};
}
