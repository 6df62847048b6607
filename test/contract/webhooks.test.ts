/** The promises about webhooks, from the API to a receiver on this machine. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { VideoObject } from "../../src/schemas/video.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { type Received, type Receiver, startReceiver, status, verified } from "../support/receiver.ts";

let api: TestApi;
let receiver: Receiver;
let key: string;

beforeAll(async () => {
  api = await startTestApi();
});
beforeEach(async () => {
  receiver = await startReceiver();
  ({ key } = await api.account({ unlimited: true }));
  return () => receiver.close();
});
afterAll(() => api.close());

interface Shown {
  readonly id: string;
  readonly secret: string;
  readonly [field: string]: unknown;
}

async function ask(method: string, path: string, body?: object, as = key) {
  const response = await api.app.request(`/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${as}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Shown };
}

const register = async (path = "/hook", more: object = {}) =>
  (await ask("POST", "/webhooks", { url: `${receiver.origin}${path}`, ...more })).body;

/** A video that was cancelled before its start: one event. */
async function cancelled(more: object = {}): Promise<VideoObject> {
  const { body, status: code } = await ask("POST", "/videos", { prompt: "a red circle", ...more });
  if (code !== 200) throw new Error(JSON.stringify(body));
  return (await ask("POST", `/videos/${body.id}/cancel`)).body as unknown as VideoObject;
}

const deliveries = async (id: string) => {
  const { body } = await ask("GET", `/webhooks/${id}/deliveries`);
  return (body as unknown as { data: Shown[] }).data;
};
const only = (): Received => {
  expect(receiver.received).toHaveLength(1);
  return receiver.received[0] as Received;
};

describe("an event", () => {
  it("arrives signed, with the video as the API shows it", async () => {
    const { secret } = await register();
    const video = await cancelled();
    await api.sender.settle();
    const got = only();
    expect(verified(secret, got, api.now())).toEqual({
      type: "video.cancelled",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      data: video,
    });
    expect(got.id).toMatch(/^evt_/);
    expect(got.headers).toMatchObject({ "content-type": "application/json", "user-agent": "mixcache/0.0.0" });
    expect(() => verified(secret, { ...got, body: `${got.body} ` }, api.now())).toThrow("signature");
  });

  it("reaches those who want it, of its account, and the URL of its request", async () => {
    await register("/all");
    await register("/completed-only", { events: ["video.completed"] });
    const { secret } = (await ask("POST", "/webhooks/signing-secret")).body;
    const { key: other } = await api.account({ unlimited: true });
    await ask("POST", "/webhooks", { url: `${receiver.origin}/other-account` }, other);
    await cancelled({ webhook_url: `${receiver.origin}/of-request` });
    await cancelled({ webhook_url: `${receiver.origin}/filtered`, webhook_events: ["video.completed"] });
    await api.sender.settle();
    expect(receiver.received.map(({ path }) => path).sort()).toEqual(["/all", "/all", "/of-request"]);
    const ofRequest = receiver.received.find(({ path }) => path === "/of-request");
    expect(verified(secret, ofRequest as Received, api.now())).toMatchObject({ type: "video.cancelled" });
    // The same event by two ways has one id, so that a receiver of both can tell.
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(2);
  });

  it("is fanned out once, whoever looks at the outbox", async () => {
    const { id } = await register();
    await cancelled();
    await Promise.all([api.jobs.webhooks.fanOut(), api.jobs.webhooks.fanOut()]);
    await api.sender.settle();
    expect(await deliveries(id)).toHaveLength(1);
    only();
  });
});

describe("a failure", () => {
  it("is tried again on the schedule, under the same id with a signature of its own", async () => {
    const { id, secret } = await register();
    receiver.answer(status(500));
    await cancelled();
    await api.sender.settle();
    await api.sender.settle();
    expect(receiver.received).toHaveLength(1);
    await api.pass(6);
    await api.sender.settle();
    receiver.answer(status(200));
    expect(receiver.received).toHaveLength(2);
    await api.pass(300);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(2);
    await api.pass(30);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(3);
    expect(new Set(receiver.received.map(({ id: messageId, body }) => messageId + body)).size).toBe(1);
    const times = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]));
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(336);
    verified(secret, receiver.received[2] as Received, api.now());
    const [delivery] = await deliveries(id);
    expect(delivery).toMatchObject({
      status: "delivered",
      next_attempt_at: null,
      attempts: [
        { number: 1, status: 500, error: "status" },
        { number: 2, status: 500 },
        { number: 3, status: 200, error: null },
      ],
    });
    expect((await ask("GET", `/webhooks/${id}`)).body.failing_since).toBeNull();
  });

  it("ten times in a row ends it, after three days", async () => {
    const { id } = await register();
    receiver.answer(status(503));
    await cancelled();
    let hours = 0;
    for (; (await deliveries(id))[0]?.status !== "failed" && hours < 24 * 5; hours++) {
      await api.sender.settle();
      await api.pass(3600);
    }
    expect(receiver.received).toHaveLength(10);
    expect(new Set(receiver.received.map(({ id: messageId }) => messageId)).size).toBe(1);
    expect(hours).toBeGreaterThan(72);
    expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({
      enabled: true,
      failing_since: expect.any(Number),
    });
  });

  it("may say when to come back: not before, and a day at most", async () => {
    const { id } = await register();
    receiver.answer(status(429, { "retry-after": "600" }));
    await cancelled();
    await api.sender.settle();
    await api.pass(590);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(1);
    receiver.answer(status(503, { "retry-after": "999999999" }));
    await api.pass(80);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(2);
    const [{ next_attempt_at: next }] = (await deliveries(id)) as [Shown];
    expect(Number(next) - api.now() / 1000).toBeLessThanOrEqual(24 * 3600 * 1.1);
    expect(Number(next) - api.now() / 1000).toBeGreaterThan(23 * 3600);
  });

  it.each([301, 302, 307, 308])("is what a %d is: nobody follows", async (code) => {
    const elsewhere = await startReceiver();
    const { id } = await register();
    receiver.answer(status(code, { location: elsewhere.origin }));
    await cancelled();
    await api.sender.settle();
    expect((await deliveries(id))[0]).toMatchObject({
      status: "pending",
      attempts: [{ status: code, error: "redirect" }],
    });
    expect(elsewhere.connections()).toBe(0);
    await elsewhere.close();
  });

  it("of a receiver that is gone disables its webhook, until somebody enables it", async () => {
    const { id } = await register();
    receiver.answer(status(410));
    await cancelled();
    await cancelled();
    await api.sender.settle();
    const seen = receiver.received.length;
    expect((await ask("GET", `/webhooks/${id}`)).body).toMatchObject({
      enabled: false,
      disabled_reason: expect.stringContaining("410"),
    });
    await cancelled();
    await api.pass(7 * 24 * 3600);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(seen);
    const [delivery] = await deliveries(id);
    expect(await ask("POST", `/webhooks/deliveries/${delivery?.id}/replay`)).toMatchObject({
      status: 409,
      body: { code: "webhook_disabled" },
    });
    receiver.answer(status(204));
    expect((await ask("POST", `/webhooks/${id}`, { enabled: true })).body).toMatchObject({
      enabled: true,
      disabled_reason: null,
    });
    await cancelled();
    await api.sender.settle();
    expect(receiver.received).toHaveLength(seen + 1);
  });
});

describe("a replay", () => {
  it("sends the same again under the same id", async () => {
    const { id } = await register();
    await cancelled();
    await api.sender.settle();
    const [delivery] = (await deliveries(id)) as [Shown];
    const replayed = await ask("POST", `/webhooks/deliveries/${delivery.id}/replay`);
    expect(replayed).toMatchObject({ status: 200, body: { status: "pending", event: delivery.event } });
    await api.sender.settle();
    expect(receiver.received.map(({ id: messageId }) => messageId)).toEqual([delivery.event, delivery.event]);
    expect(receiver.received[0]?.body).toBe(receiver.received[1]?.body);
    expect((await deliveries(id))[0]).toMatchObject({ status: "delivered", attempts: [{}, { number: 2 }] });
  });

  it("of one that waits for its next attempt sends it now, and not twice", async () => {
    const { id } = await register();
    receiver.answer(status(500));
    await cancelled();
    await api.sender.settle();
    receiver.answer(status(200));
    const [delivery] = (await deliveries(id)) as [Shown];
    await ask("POST", `/webhooks/deliveries/${delivery.id}/replay`);
    await api.sender.settle();
    await api.pass(48 * 3600);
    await api.sender.settle();
    expect(receiver.received).toHaveLength(2);
    expect((await deliveries(id))[0]).toMatchObject({ status: "delivered" });
  });
});

describe("a secret", () => {
  it("is shown once, and sealed in the database", async () => {
    const { id, secret } = await register();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    for (const path of ["/webhooks", `/webhooks/${id}`])
      expect(JSON.stringify((await ask("GET", path)).body)).not.toContain("whsec_");
    const rows = await api.database.query("select * from mixcache.webhook_endpoints");
    expect(JSON.stringify(rows)).not.toContain(secret.slice(6, -1));
  });

  it("that is rotated signs beside the new one for as long as was said", async () => {
    const { id, secret: old } = await register();
    const { secret } = (await ask("POST", `/webhooks/${id}/rotate-secret`, { overlap_seconds: 600 })).body;
    await cancelled();
    await api.sender.settle();
    for (const one of [old, secret]) verified(one, only(), api.now());
    await api.pass(601);
    await cancelled();
    await api.sender.settle();
    verified(secret, receiver.received[1] as Received, api.now());
    expect(() => verified(old, receiver.received[1] as Received, api.now())).toThrow("signature");
  });

  it("of requests is needed before a request may name a URL", async () => {
    const body = { prompt: "x", webhook_url: `${receiver.origin}/x` };
    expect(await ask("POST", "/videos", body)).toMatchObject({
      status: 400,
      body: { error: { param: "webhook_url", message: expect.stringContaining("signing-secret") } },
    });
    const first = (await ask("POST", "/webhooks/signing-secret")).body;
    const second = (await ask("POST", "/webhooks/signing-secret", { overlap_seconds: 0 })).body;
    expect(second).toMatchObject({ id: first.id, url: null, old_secret_valid_until: null });
    expect((await ask("POST", "/videos", body)).status).toBe(200);
    expect(await ask("POST", "/videos", { prompt: "x", webhook_events: ["video.failed"] })).toMatchObject({
      status: 400,
      body: { error: { param: "webhook_events" } },
    });
  });
});

describe("webhooks of others", () => {
  it("are the same 404 as none at all, on every route", async () => {
    const { id } = await register();
    await cancelled();
    await api.sender.settle();
    const [delivery] = await deliveries(id);
    const { key: stranger } = await api.account();
    const routes: [string, string, object?][] = [
      ["GET", "/webhooks/ID"],
      ["POST", "/webhooks/ID", { enabled: false }],
      ["DELETE", "/webhooks/ID"],
      ["POST", "/webhooks/ID/rotate-secret"],
      ["GET", "/webhooks/ID/deliveries"],
    ];
    const shape = async (method: string, path: string, body?: object) => {
      const { status: code, body: problem } = await ask(method, path, body, stranger);
      return { code, problem: { ...problem, request_id: "", detail: "", error: "" } };
    };
    for (const [method, path, body] of routes) {
      const theirs = await shape(method, path.replace("ID", id), body);
      expect(theirs.code).toBe(404);
      expect(theirs).toEqual(await shape(method, path.replace("ID", "whe_0"), body));
    }
    const replay = (one: string) => shape("POST", `/webhooks/deliveries/${one}/replay`);
    expect(await replay(String(delivery?.id))).toEqual(await replay("whd_0"));
    expect((await ask("GET", "/webhooks", undefined, stranger)).body).toMatchObject({ data: [] });
  });

  it("need the scope", async () => {
    const { secret } = (await ask("POST", "/keys", { name: "reader", scopes: ["videos:read"] })).body;
    expect((await ask("GET", "/webhooks", undefined, secret)).status).toBe(403);
  });
});

describe("registering", () => {
  it("pages, changes and deletes", async () => {
    const made = [await register("/a"), await register("/b"), await register("/c")];
    const first = (await ask("GET", "/webhooks?limit=2")).body;
    expect(first).toMatchObject({ data: [{ id: made[0]?.id }, { id: made[1]?.id }], has_more: true });
    expect((await ask("GET", `/webhooks?limit=2&after=${made[1]?.id}`)).body).toMatchObject({
      data: [{ id: made[2]?.id }],
      has_more: false,
    });
    const changed = await ask("POST", `/webhooks/${made[0]?.id}`, { events: ["video.failed"] });
    expect(changed.body).toMatchObject({ events: ["video.failed"], url: `${receiver.origin}/a` });
    await cancelled();
    expect((await ask("DELETE", `/webhooks/${made[1]?.id}`)).body).toMatchObject({ deleted: true });
    await api.sender.settle();
    expect(receiver.received.map(({ path }) => path)).toEqual(["/c"]);
  });

  it("ends at twenty", async () => {
    for (let count = 0; count < 20; count++) await register(`/${count}`);
    expect(await ask("POST", "/webhooks", { url: receiver.origin })).toMatchObject({
      status: 409,
      body: { code: "webhook_limit" },
    });
  });

  it.each([
    [{}, "url"],
    [{ url: "ftp://hooks.example.com" }, "url"],
    [{ url: "https://me:secret@hooks.example.com" }, "url"],
    [{ url: "http://169.254.169.254/latest" }, "url"],
    [{ url: "https://hooks.example.com", events: ["video.exploded"] }, "events.0"],
    [{ url: "https://hooks.example.com", events: [] }, "events"],
    [{ url: "https://hooks.example.com", secret: "mine" }, "secret"],
  ])("refuses %j and names the field", async (body, field) => {
    expect(await ask("POST", "/webhooks", body)).toMatchObject({ status: 400, body: { field } });
  });
});

/** Last: from here on a worker takes what waits. */
describe("a video that is made", () => {
  it("tells of the start what was true at the start, and of the end what is", async () => {
    const { secret } = await register();
    await api.startWorker();
    const { body } = await ask("POST", "/videos", { prompt: "a red circle", num_inference_steps: 2 });
    await expect
      .poll(async () => (await ask("GET", `/videos/${body.id}`)).body.status, { timeout: 60_000 })
      .toBe("completed");
    await api.sender.settle();
    const told = receiver.received.map(
      (got) => verified(secret, got, api.now()) as { type: string; data: VideoObject },
    );
    const byType = Object.fromEntries(told.map(({ type, data }) => [type, data]));
    expect(byType["video.started"]).toMatchObject({
      id: body.id,
      status: "in_progress",
      cost: { amount: null },
    });
    expect(byType["video.completed"]).toEqual((await ask("GET", `/videos/${body.id}`)).body);
    expect(told).toHaveLength(2);
  });
});
