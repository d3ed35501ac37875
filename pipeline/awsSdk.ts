/**
 * Loads a client of the AWS SDK when it is first needed: it takes longer to load than the rest of the pipeline. Its warning that
 * versions to come want a newer Node.js is for whoever chooses versions, which are pinned, and not for the log of a migration.
 */
export function loadAws<T>(load: () => Promise<T>): Promise<T> {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  return load();
}
