import type { NotifySettings } from "../contracts.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../log.js";
import type { Notice } from "./notice.js";
import { renderSlack } from "./render.js";
import { publishSns } from "./sns.js";
import { postWebhook } from "./webhook.js";

/**
 * Sends a notice to whom it is configured for, side by side. What cannot be sent is a warning in the log: a run does not
 * depend on who hears of it.
 *
 * @param report URL of the run's report.
 */
export async function sendNotice(notice: Notice, report: string, settings: NotifySettings, log: Logger): Promise<void> {
  const { webhook, sns, timeoutMs, attempts } = settings;
  const patience = { timeoutMs, attempts };
  const tell = async (whom: string, send: () => Promise<void>) => {
    try {
      await send();
      log.debug(`${whom} was told: ${notice.title}`);
    } catch (error) {
      log.warn(`${whom} could not be told (${notice.event}): ${messageOf(error)}; the run goes on as if it had`);
    }
  };
  await Promise.all([
    ...(webhook === undefined
      ? []
      : [tell("the webhook", () => postWebhook(webhook, renderSlack(notice, report), patience))]),
    ...(sns === undefined ? [] : [tell("the SNS topic", () => publishSns(sns.topicArn, notice, report, patience))]),
  ]);
}
