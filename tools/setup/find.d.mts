export function isProgram(path: string): boolean;
export function which(name: string, path?: string): string | undefined;
