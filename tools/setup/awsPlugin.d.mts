export function awsPluginVersion(): string;
export function awsPluginIsAtHand(home: string, path?: string): boolean;
export function linkAwsPlugin(home: string, from?: string): void;
