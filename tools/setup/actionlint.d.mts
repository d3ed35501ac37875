export function provideActionlint(): Promise<{ path: string } | { missing: string }>;
