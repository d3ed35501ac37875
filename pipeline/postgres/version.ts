/** The oldest and the newest major version of PostgreSQL that this is made for. */
export const supportedMajors = { from: 13, to: 18 } as const;

/** Major version in what a server or a program says of itself: `17.2 (Debian …)` → 17. */
export function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}
