export function standInHome(cache: string, hash: string): string;
export function dropForgotten(cache: string, current: string, now?: number): void;
