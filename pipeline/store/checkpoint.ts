const prefix = "checkpoint-";

/** The identifier of the backup that is the checkpoint of this name: there can be no second one. */
export function checkpointId(name: string): string {
  return `${prefix}${name}`;
}
