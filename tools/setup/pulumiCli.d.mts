export function cliSources(world: {
  onPath?: string;
  isCached: boolean;
  isReachable: boolean;
  go?: string;
}): ("path" | "cache" | "installer" | "build")[];
export function providePulumi(): Promise<{ path: string; own: boolean }>;
