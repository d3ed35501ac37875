import * as pulumi from "@pulumi/pulumi";
import type { Environment } from "./environments/environment.js";
import { placeType } from "./placeType.js";

export interface PlaceArgs extends Pick<Environment, "database" | "store" | "storeAccess" | "host" | "told"> {
  /** Whose backups its host may read. */
  readonly refreshFrom?: { readonly environment: string; readonly store: string };
}

/**
 * Where an environment is, in the stack's state from the moment at which all of it is known. A stack has outputs only once an update has
 * succeeded, and those of the last one that did: what an update failed at, or after, may be what a command by hand is to look at.
 */
export class Place extends pulumi.ComponentResource {
  constructor(name: string, args: PlaceArgs, options?: pulumi.ComponentResourceOptions) {
    super(placeType, name, {}, options);
    const { database, store, storeAccess, host, told, refreshFrom } = args;
    // What is known only after a Command may be as secret as the key that it connects with; a place is none.
    this.registerOutputs(
      pulumi.unsecret(
        pulumi.output({
          database,
          store,
          ...(storeAccess === undefined ? {} : { storeAccess }),
          ...(host === undefined ? {} : { host }),
          ...(told === undefined ? {} : { told }),
          ...(refreshFrom === undefined ? {} : { refreshFrom }),
        }),
      ),
    );
  }
}
