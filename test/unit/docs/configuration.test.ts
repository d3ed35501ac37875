import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { configSchema } from "../../../config.js";
import { configurationPage, configurationText } from "../../../tools/docs/configuration.js";

describe("docs/configuration.md", function () {
  this.timeout(60_000);

  it("is what the configuration's schema says, with every section", async () => {
    const text = await configurationText();
    assert.ok(readFileSync(configurationPage, "utf8") === text, "docs/configuration.md is stale; run: npm run docs");
    for (const section of Object.keys(configSchema.shape)) assert.match(text, new RegExp(`^## ${section}$`, "m"));
    // One of each kind: a plain key, a key of a list's item, one that has to be given, one of several forms.
    assert.match(text, /^\| `keep` +\| number from 1 +\| `14` +\| How many complete backups are kept/m);
    assert.match(text, /^\| `open\[\]\.days` +\| list of /m);
    assert.match(text, /^\| `open\[\]\.from` +\| string +\| must be given/m);
    assert.match(text, /^\| `webhook\.path` \(`from: file`\) +\| string +\| must be given/m);
  });
});
