/** What Prisma warned of when it wrote a migration. */
export interface PrismaWarning {
  /** Line in the file, from 1. */
  readonly line: number;
  readonly message: string;
  /** It says that data may go, and not only that the migration may fail. */
  readonly losesData: boolean;
}

const loss = /about to drop|about to alter|be lost|data loss|dropped and recreated/i;

/**
 * The warnings in the comment at the head of a migration that Prisma wrote (`DestructiveCheckDiagnostics`, rendered by
 * `schema_connector::DestructiveChangeChecker` of prisma-engines):
 *
 *     /*
 *       Warnings:
 *
 *       - You are about to drop the column `phone` on the `User` table. All the data in the column will be lost.
 *
 * It is a comment: one who edits the SQL may leave it behind, and SQL by hand has none.
 */
export function prismaWarnings(sql: string): PrismaWarning[] {
  const [comment = ""] = /^\s*\/\*[\s\S]*?\*\//.exec(sql.replace(/^\uFEFF/, " ")) ?? [];
  const lines = comment.split(/\r?\n/);
  const start = lines.findIndex((line) => line.trim() === "Warnings:");
  if (start === -1) return [];
  return lines.flatMap((text, at) => {
    const message = /^\s*-\s+(.*\S)\s*$/.exec(text)?.[1];
    return at > start && message !== undefined ? [{ line: at + 1, message, losesData: loss.test(message) }] : [];
  });
}
