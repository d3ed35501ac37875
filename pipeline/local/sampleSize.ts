/** How much sample data is made. */
export interface SampleSize {
  readonly users: number;
  readonly orders: number;
}

/** What a newcomer gets: enough to see that nothing is lost, made in a few seconds. */
export const defaultSize: SampleSize = { users: 10_000, orders: 50_000 };

const ordersPerUser = 5;
/** Measured on PostgreSQL 15 with all migrations applied: an empty shop, and what each user with five orders adds, in bytes. */
const emptyBytes = 8_300_000;
const bytesPerUser = 4_350;

const units = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;

/**
 * The bytes that a size such as `100MB` or `1.5GB` names (decimal units).
 *
 * @throws RangeError with what is allowed.
 */
export function parseBytes(text: string): number {
  const found = /^(\d+(?:\.\d+)?) ?(kB|MB|GB|TB)$/.exec(text);
  const unit = found?.[2];
  if (found === null || !isUnit(unit)) {
    throw new RangeError(`"${text}" is not a size: a number and one of ${Object.keys(units).join(", ")}, e.g. 100MB`);
  }
  return Number(found[1]) * units[unit];
}

/** How many users and orders give a database of about a size: bytes, or e.g. `100MB`. @throws RangeError */
export function sizeFor(size: string | number): SampleSize {
  const bytes = typeof size === "number" ? size : parseBytes(size);
  const users = Math.max(1, Math.round((bytes - emptyBytes) / bytesPerUser));
  return { users, orders: users * ordersPerUser };
}

function isUnit(text: string | undefined): text is keyof typeof units {
  return text !== undefined && Object.hasOwn(units, text);
}
