export const pulumiVersion: string;
export const commandPluginVersion: string;
export function parseVersion(text: string): [number, number, number] | undefined;
export function compareVersions(left: string, right: string): number;
export function isUsablePulumi(version: string): boolean;
