import { stageRequest } from "./contracts.js";
import { messageOf } from "./errors.js";
import type { Logger } from "./log.js";
import { type Ended, noticeOf } from "./notify/notice.js";
import { sendNotice } from "./notify/send.js";
import { pageUrl, writeRunPage } from "./report/write.js";
import { openStore } from "./store/open.js";

/** Stages with which a run may end well. */
const last: ReadonlySet<string> = new Set(["verify", "restore", "rollback", "recover", "refresh"]);

/**
 * What is done once a stage that leaves evidence has ended, however it ended: a run that is over has its report written as a
 * page, and those who have a stake in it are told.
 */
export async function conclude(ended: Ended, log: Logger): Promise<void> {
  const { environment, run, stage, outcome } = ended;
  const request = stageRequest.pick({ store: true, settings: true }).strip().parse(ended.request);
  const store = openStore(request.store);
  if (!outcome.ok || last.has(stage)) {
    try {
      log.info("the run's report is written", {
        report: await writeRunPage(store, environment, run, request.settings.targets),
      });
    } catch (error) {
      log.warn(`the run's report could not be written: ${messageOf(error)}`);
    }
  }
  const { notify } = request.settings;
  if (notify.webhook === undefined && notify.sns === undefined) return;
  const notice = noticeOf(ended, notify, new Date());
  if (notice !== undefined) await sendNotice(notice, pageUrl(store, environment, run), notify, log);
}
