/** The sender over a queue in memory: who gets a place, what is recorded, and how it stops. */

import { randomBytes } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Receiver, startReceiver, status } from "../../test/support/receiver.ts";
import type { ClaimedDelivery, DeliveryAttempt, Verdict } from "../jobs/index.ts";
import { newSecret, seal } from "./secrets.ts";
import { WebhookSender } from "./sender.ts";

const key = randomBytes(32);
const NOW = Date.UTC(2026, 10, 28);

interface Finished extends Omit<DeliveryAttempt, "number"> {
  readonly id: string;
  readonly verdict: Verdict;
}

let receiver: Receiver;
let nowMs: number;
let waiting: ClaimedDelivery[];
let finished: Finished[];
let released: string[];
let asked: { most: number; without: readonly string[] }[];
let sender: WebhookSender;

beforeEach(async () => {
  receiver = await startReceiver();
  [nowMs, waiting, finished, released, asked] = [NOW, [], [], [], []];
  sender = new WebhookSender({
    jobs: {
      fanOut: async () => 0,
      claim: async (most, without) => {
        asked.push({ most, without });
        const deliveries = waiting.filter(({ lane }) => !without.includes(lane)).slice(0, most);
        waiting = waiting.filter((one) => !deliveries.includes(one));
        return { deliveries, more: deliveries.length > 0 };
      },
      finish: async ({ id }, attempt, verdict) => void finished.push({ id, ...attempt, verdict }),
      release: async ({ id }) => void released.push(id),
    },
    key,
    send: {
      policy: { allowHttp: true, allowPrivate: true },
      resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      // Whoever hangs here hangs until the sender stops, on however slow a machine.
      timeoutMs: 600_000,
    },
    timers: { nowMs: () => nowMs, wait: () => setImmediate() },
    random: () => 0,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    version: "1.2.3",
  });
});
afterEach(async () => {
  await sender.stop();
  await receiver.close();
});

const secret = newSecret(randomBytes);
const due = (id: string, more: Partial<ClaimedDelivery> = {}): ClaimedDelivery => ({
  id,
  jobId: id,
  retryCount: 0,
  eventId: `evt_${id}`,
  endpointId: "whe_1",
  lane: "whe_1",
  url: `${receiver.origin}/${id}`,
  type: "video.completed",
  payload: { id: "video_1" },
  happenedAt: new Date(NOW),
  sealed: { current: seal(secret, "whe_1", key, randomBytes), old: undefined },
  failures: 0,
  ...more,
});
const arrivals = (count: number) =>
  expect.poll(() => receiver.received.length, { timeout: 100_000 }).toBe(count);

describe("an attempt", () => {
  it.each([
    [204, 0, { kind: "delivered" }],
    [500, 0, { kind: "retry", delaySeconds: 5 }],
    [500, 8, { kind: "retry", delaySeconds: 86_400 }],
    [500, 9, { kind: "failed" }],
    [410, 0, { kind: "gone" }],
    [301, 2, { kind: "retry", delaySeconds: 1_800 }],
  ])("answered with %d after %d failures has its consequence", async (code, failures, verdict) => {
    receiver.answer(status(code));
    waiting = [due("a", { failures })];
    await sender.settle();
    expect(finished).toMatchObject([{ id: "a", status: code, verdict }]);
  });

  it("whose secret can't be opened fails and is tried again, and nothing is sent", async () => {
    waiting = [due("a", { sealed: { current: seal(secret, "whe_2", key, randomBytes), old: undefined } })];
    await sender.settle();
    expect(finished).toMatchObject([
      { error: "secret_sealed", status: undefined, verdict: { kind: "retry" } },
    ]);
    expect(receiver.received).toEqual([]);
  });

  it("signs with an old secret only until its time is over", async () => {
    const old = { sealed: seal(newSecret(randomBytes), "whe_1", key, randomBytes), until: new Date(NOW + 1) };
    waiting = [due("a", { sealed: { ...due("a").sealed, old } })];
    await sender.settle();
    nowMs += 1;
    waiting = [due("b", { sealed: { ...due("b").sealed, old } })];
    await sender.settle();
    const counts = receiver.received.map(({ headers }) => headers["webhook-signature"]?.split(" ").length);
    expect(counts).toEqual([2, 1]);
  });
});

describe("places", () => {
  it("are given up by whoever takes long, whose receiver gets nothing more until it has answered", async () => {
    receiver.answer(() => {});
    waiting = Array.from({ length: 70 }, (_, at) => due(`${at}`, { lane: `slow ${at % 20}` }));
    await sender.round();
    await arrivals(64);
    expect(asked.map(({ most }) => most)).toEqual([64]);
    nowMs += 1_000;
    waiting = [...waiting, due("other", { lane: "quick" })];
    asked = [];
    await sender.round();
    await arrivals(65);
    expect(receiver.received.at(-1)?.path).toBe("/other");
    expect(asked[0]?.most).toBe(64);
    expect(asked[0]?.without.toSorted()).toEqual(
      Array.from({ length: 20 }, (_, at) => `slow ${at}`).toSorted(),
    );
    await sender.stop();
  });

  it("are a thousand for all, however many receivers hang", async () => {
    receiver.answer(() => {});
    for (let round = 0; round < 20; round++) {
      waiting = Array.from({ length: 64 }, (_, at) => due(`${round}-${at}`, { lane: `${round}-${at}` }));
      await sender.round();
      nowMs += 1_000;
    }
    await arrivals(1_024);
    await sender.stop();
    expect(released).toHaveLength(1_024);
  });
});

describe("stopping", () => {
  it("gives back what is under way: no attempt, no verdict", async () => {
    receiver.answer(() => {});
    waiting = [due("a")];
    sender.start();
    await arrivals(1);
    await sender.stop();
    expect(released).toEqual(["a"]);
    expect(finished).toEqual([]);
  });

  it("takes nothing new", async () => {
    await sender.stop();
    waiting = [due("a")];
    expect(await sender.round()).toBe(0);
    expect(receiver.received).toEqual([]);
  });
});
