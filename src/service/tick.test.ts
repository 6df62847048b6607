/** Workers that are missing are asked for, and one that a platform refuses stays missing. */

import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openTestJobs, type TestJobs } from "../../test/support/jobs.ts";
import { MixcacheError } from "../errors.ts";
import { type Fleet, openDatabase, openFleet } from "../jobs/index.ts";
import { startMissing } from "./tick.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

let test: TestJobs;
let fleet: Fleet;
beforeEach(async () => {
  test = await openTestJobs(await openDatabase("memory"));
  fleet = openFleet(test.database, { max: 20, targetWaitSeconds: 60, startSeconds: 60, silenceSeconds: 30 });
  const account = await test.account();
  for (let count = 0; count < 12; count++) await test.create(account, { fingerprint: randomUUID() });
});
afterEach(() => test.close());

it("asks for each once, a few at a time", async () => {
  const asked: string[] = [];
  let [open, most] = [0, 0];
  const launch = async (id: string) => {
    asked.push(id);
    most = Math.max(most, ++open);
    await new Promise(setImmediate);
    open--;
    return id;
  };
  expect(await startMissing(fleet, { launch }, SILENT)).toBe(12);
  expect(new Set(asked).size).toBe(12);
  expect(most).toBeLessThanOrEqual(8);
  expect(await startMissing(fleet, { launch }, SILENT)).toBe(0);
});

it("asks for all, however many are refused; those are missing again", async () => {
  let count = 0;
  const launch = async (id: string) => {
    if (++count % 3 === 0) throw new MixcacheError("launch_failed", "No room.");
    return id;
  };
  await expect(startMissing(fleet, { launch }, SILENT)).rejects.toMatchObject({ code: "launch_failed" });
  expect(count).toBe(12);
  expect(await fleet.scale()).toMatchObject({ starting: 8, missing: 4 });
});
