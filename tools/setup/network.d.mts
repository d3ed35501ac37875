export function pulumiIsReachable(): Promise<boolean>;
