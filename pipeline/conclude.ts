import { stageRequest } from "./contracts.js";
import type { Logger } from "./log.js";
import { type Ended, noticeOf } from "./notify/notice.js";
import { sendNotice } from "./notify/send.js";
import { openStore } from "./store/open.js";

/** What is done once a stage that leaves evidence has ended, however it ended: those who have a stake in it are told. */
export async function conclude(ended: Ended, log: Logger): Promise<void> {
  const { store, settings } = stageRequest.pick({ store: true, settings: true }).strip().parse(ended.request);
  const { notify } = settings;
  if (notify.webhook === undefined && notify.sns === undefined) return;
  const notice = noticeOf(ended, notify, new Date());
  if (notice === undefined) return;
  await sendNotice(notice, openStore(store).urlOf(`${ended.environment}/${ended.run}/report.md`), notify, log);
}
