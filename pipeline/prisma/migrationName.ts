/** The longest name that Prisma takes, without the time before it. */
const maxLength = 200;

/**
 * A name for a migration's folder, made from what a person typed, as Prisma makes it: small letters without accents, words
 * parted by `_`. Empty where nothing is left.
 */
export function slugOf(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/ß/g, "ss")
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, maxLength);
}
