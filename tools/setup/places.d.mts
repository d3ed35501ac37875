export const root: string;
export function cacheCandidates(
  env: Readonly<Record<string, string | undefined>>,
  machine: { home: string; temp: string; user: string },
): string[];
export function cacheRoot(): string;
