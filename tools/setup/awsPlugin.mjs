import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { userHome } from "./commandPlugin.mjs";
import { isProgram, which } from "./find.mjs";
import { root } from "./places.mjs";

/** The version of the `aws` plugin that the program asks for: that of `@pulumi/aws`. */
export function awsPluginVersion() {
  return JSON.parse(readFileSync(join(root, "node_modules", "@pulumi", "aws", "package.json"), "utf8")).version;
}

function folderIn(home) {
  return join(home, "plugins", `resource-aws-v${awsPluginVersion()}`);
}

function isIn(home) {
  const folder = folderIn(home);
  return isProgram(join(folder, "pulumi-resource-aws")) && !existsSync(`${folder}.partial`);
}

/** Whether an engine that uses this folder of Pulumi's has the plugin. */
export function awsPluginIsAtHand(home, path = process.env.PATH) {
  return which("pulumi-resource-aws", path) !== undefined || isIn(home);
}

/** Lets a folder of Pulumi's that is this project's own have the plugin that its user has: by a link, as it is large. */
export function linkAwsPlugin(home, from = userHome()) {
  if (home === from || existsSync(folderIn(home)) || !isIn(from)) return;
  mkdirSync(join(home, "plugins"), { recursive: true });
  try {
    symlinkSync(folderIn(from), folderIn(home));
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
}
