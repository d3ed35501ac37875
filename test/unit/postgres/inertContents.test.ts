import assert from "node:assert/strict";
import { inertContents } from "../../../pipeline/postgres/inertContents.js";

const list = `;
; Archive created at 2026-01-31 10:00:00 UTC
;     dbname: shop
;
3; 3079 16400 EXTENSION - pg_cron
3480; 0 0 COMMENT - EXTENSION pg_cron
2; 3079 16390 EXTENSION - postgres_fdw
3481; 0 0 ACL - SCHEMA cron postgres
3482; 0 0 ACL cron TABLE job postgres
218; 1259 16420 TABLE public orders shop
219; 1259 16421 TABLE public cron_jobs shop
3470; 0 16420 TABLE DATA public orders shop
3471; 0 16402 TABLE DATA cron job postgres
3490; 0 0 SEQUENCE SET cron jobid_seq postgres
2101; 1417 16430 SERVER - warehouse postgres
3472; 0 0 USER MAPPING - USER MAPPING postgres SERVER warehouse postgres
3300; 3466 16440 EVENT TRIGGER - audit_ddl postgres
3483; 0 0 COMMENT - EVENT TRIGGER audit_ddl postgres
3301; 6104 16450 PUBLICATION - news shop
3302; 6100 16451 SUBSCRIPTION - feed postgres
3303; 2620 16460 TRIGGER public orders "USER MAPPING" shop`;

describe("what is left out of a copy that is only tried out", () => {
  it("is what acts on the world outside, and nothing else", () => {
    const { list: kept, leftOut } = inertContents(list);
    assert.deepEqual(leftOut, [
      "EXTENSION - pg_cron",
      "COMMENT - EXTENSION pg_cron",
      "ACL - SCHEMA cron postgres",
      "ACL cron TABLE job postgres",
      "TABLE DATA cron job postgres",
      "SEQUENCE SET cron jobid_seq postgres",
      "USER MAPPING - USER MAPPING postgres SERVER warehouse postgres",
      "EVENT TRIGGER - audit_ddl postgres",
      "COMMENT - EVENT TRIGGER audit_ddl postgres",
      "SUBSCRIPTION - feed postgres",
    ]);
    assert.equal(kept.split("\n").length, list.split("\n").length - leftOut.length);
    for (const stays of [
      "cron_jobs",
      "TABLE DATA public orders",
      "PUBLICATION",
      "SERVER - warehouse",
      "TRIGGER public",
    ])
      assert.ok(kept.includes(stays), stays);
  });

  it("is no schema that happens to be called cron", () => {
    const own = list.replaceAll(/^.*pg_cron.*\n/gm, "");
    assert.ok(inertContents(own).leftOut.every((line) => !line.includes("cron")));
  });
});
