import { type Document, YAMLMap, YAMLSeq, isMap, isScalar, isSeq, parseDocument } from "yaml";
import { projectName } from "../../config.js";
import type { Approval } from "../../pipeline/contracts.js";
import { PipelineError } from "../../pipeline/errors.js";

/** The key under which a stack's file holds its approvals. */
const approvalsKey = `${projectName}:approvals`;

/**
 * The text of a stack's file with one more approval; an earlier one of the same migration is replaced. Comments, and all that
 * is not about approvals, stay.
 *
 * @param path named in messages.
 * @throws PipelineError (`usage`) where the text is not such a file.
 */
export function withApproval(text: string, approval: Approval, path: string): string {
  const document: Document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake !== undefined) throw unusable(path, mistake.message);
  const config = configOf(document, path);
  const list = listOf(config, path);
  const entry = document.createNode(approval);
  // In quotes: Pulumi reads an older YAML, to which an unquoted time is no text, nor are some names and checksums.
  for (const { value } of entry.items) if (isScalar(value)) value.type = "QUOTE_DOUBLE";
  const at = list.items.findIndex((item) => isMap(item) && item.get("migration") === approval.migration);
  if (at === -1) list.items.push(entry);
  else list.items[at] = entry;
  return document.toString({ lineWidth: 0 });
}

function configOf(document: Document, path: string): YAMLMap {
  if (document.contents === null) document.contents = new YAMLMap();
  if (!isMap(document.contents)) throw unusable(path, "it holds no settings by name");
  const found: unknown = document.contents.get("config", true);
  if (isMap(found)) {
    // `config: {}`, as the file of a stack with all defaults has it; a list is not read well between braces.
    if (found.items.length === 0) found.flow = false;
    return found;
  }
  if (found !== undefined && document.getIn(["config"]) !== null)
    throw unusable(path, `"config" is no list of settings`);
  const config = new YAMLMap();
  document.contents.set("config", config);
  return config;
}

function listOf(config: YAMLMap, path: string): YAMLSeq {
  const found: unknown = config.get(approvalsKey, true);
  if (isSeq(found)) {
    if (found.items.length === 0) found.flow = false;
    return found;
  }
  if (found !== undefined && config.get(approvalsKey) !== null) throw unusable(path, `"${approvalsKey}" is no list`);
  const list = new YAMLSeq();
  config.set(approvalsKey, list);
  return list;
}

function unusable(path: string, reason: string): PipelineError {
  return new PipelineError({
    code: "STACK_FILE",
    kind: "usage",
    message: `The approval cannot be written to ${path}: ${reason}.`,
    state: "Nothing was written.",
    next: `Mend ${path}, then run the same command.`,
  });
}
