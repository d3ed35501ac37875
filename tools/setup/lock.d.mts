export interface Holder {
  readonly pid: number;
  readonly start?: string;
  readonly host: string;
}
export function startOf(pid: number): string | undefined;
export function isAlive(pid: number): boolean;
export function isHeld(
  holder: Holder,
  machine?: { host: string; isAlive: (pid: number) => boolean; startOf: (pid: number) => string | undefined },
): boolean;
export function withLock<T>(path: string, what: string, work: () => Promise<T>): Promise<T>;
