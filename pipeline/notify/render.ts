import type { NoticeEvent } from "../contracts.js";
import type { Notice } from "./notice.js";

/** Slack's colours of an attachment. */
const colours: Readonly<Record<NoticeEvent, string>> = {
  started: "#4a7bd0",
  succeeded: "good",
  refused: "warning",
  failed: "danger",
  rolledBack: "warning",
};

/** A notice as plain text, for e-mail. @param report URL of the run's report. */
export function renderText({ title, facts, run }: Notice, report: string): string {
  const lines = [...facts, ["Run", run] as const, ["Report", report] as const].map(([label, text]) => {
    const [first = "", ...rest] = text.split("\n");
    return [`${label}: ${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
  });
  return `${title}\n\n${lines.join("\n")}\n`;
}

/** The subject of an e-mail by SNS: ASCII without control characters, under 100 of them (SNS API, Publish). */
export function renderSubject({ title }: Notice): string {
  return title
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, 99);
}

/** A notice as Slack's incoming webhooks take it; others (Mattermost, Rocket.Chat, Discord's `/slack`) take the same. */
export function renderSlack({ event, title, facts, run }: Notice, report: string): object {
  const fields = [...facts, ["Run", run] as const, ["Report", report] as const].map(([label, text]) => ({
    title: escape(label),
    value: escape(text),
    short: !text.includes("\n") && text.length < 40,
  }));
  return { text: escape(title), attachments: [{ color: colours[event], fallback: escape(title), fields }] };
}

/** Slack's own three characters, so that no text makes a mention or a link (Slack, "Formatting text for app surfaces"). */
function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
