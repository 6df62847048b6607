/**
 * Guarantee: everything that is deployed works together as it says. The edge in workerd, two cells (processes of API and
 * worker with the embedded model) on PostgreSQL and a real S3 server, asked by the stock `openai` client through the
 * edge. A cell that is killed costs its accounts nothing but time, and the other cell's accounts not even that.
 * `npm run test:e2e`.
 */

import { createHash } from "node:crypto";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecordingProxy, recordingProxy } from "../support/recording-proxy.ts";
import { keysIn, noS3, s3Server, s3Suite } from "../support/s3.ts";
import { statement, until } from "../support/s3-service.ts";
import { isOver, type Shown } from "../support/serving.ts";
import type { SseEvent } from "../support/sse.ts";
import { type Stack, type StackCell, startStack } from "../support/stack.ts";
import { type Caller, callerOf, create, follow, told } from "./caller.ts";
import { PRICES, verdictOf } from "./verdict.ts";

/** On a busy machine all these processes take their time. */
const PATIENCE_MS = 600_000;
/** So long that the middle of it is not missed. */
const LONG = { num_inference_steps: 300 };
const SHORT = { num_inference_steps: 4 };

describe.skipIf(noS3 !== undefined)(s3Suite("everything at once"), { timeout: PATIENCE_MS }, () => {
  let proxy: RecordingProxy;
  let stack: Stack;
  let alice: Caller;
  let bob: Caller;
  /** Every video that was acknowledged, by its cell. */
  const acknowledged = { a: new Set<string>(), b: new Set<string>() };

  beforeAll(async () => {
    proxy = await recordingProxy(s3Server().endpoint);
    stack = await startStack({
      server: s3Server(),
      env: { S3_PUBLIC_ENDPOINT: proxy.origin, PRICES },
    });
    alice = await callerOf(stack.edge.url, stack.a.cell);
    bob = await callerOf(stack.edge.url, stack.b.cell);
  }, PATIENCE_MS);
  afterAll(async () => {
    await stack?.close();
    await proxy?.close();
    await Promise.all([alice, bob].map((caller) => caller?.receiver.close()));
  }, PATIENCE_MS);

  const made = async (cell: "a" | "b", creating: Promise<OpenAI.Video>) => {
    const { id } = await creating;
    acknowledged[cell].add(id);
    return id;
  };
  const ended = async ({ patient }: Caller, id: string) => {
    const read = async () => (await patient.videos.retrieve(id)) as unknown as Shown;
    await until(async () => isOver(await read()));
    return read();
  };
  const wasTold = (type: string, caller: Caller, id: string) =>
    until(async () => told(caller, id).some((one) => one.type === type));
  const eventsOf = async ({ client }: Caller, id: string, after?: string) => {
    const events: SseEvent[] = [];
    for await (const event of follow(client, id, after)) events.push(event);
    return events;
  };
  const refusal = async (asking: Promise<unknown>) => {
    const error = await asking.then(
      () => undefined,
      (reason) => reason,
    );
    if (!(error instanceof OpenAI.APIError)) throw new Error(`no APIError but ${error}`);
    return error;
  };
  /** Everything that can be asked of a video. */
  const questions = ({ client }: Caller, id: string) => [
    () => client.videos.retrieve(id),
    () => client.videos.downloadContent(id),
    () => eventsOf({ ...alice, client }, id),
    () => client.videos.remix(id, { prompt: "a blue square" }),
    () => client.post(`/videos/${id}/cancel`),
    () => client.videos.delete(id),
  ];

  for (const label of ["a", "b"] as const) {
    describe(`through the edge, an account of cell ${label}`, () => {
      let caller: Caller;
      let place: StackCell;
      let id: string;
      beforeAll(() => {
        caller = label === "a" ? alice : bob;
        place = stack[label];
      });

      it("creates a video, follows its events to the end, and is told by webhook", async () => {
        id = await made(label, create(caller.client, SHORT));
        expect(id).toMatch(new RegExp(`^video_${label}`));
        const events = await eventsOf(caller, id);
        expect(events.map((event) => event.id)).toEqual(events.map((_, at) => String(at + 1)));
        expect(events[0]?.type).toBe("video.queued");
        expect(events.at(-1)?.type).toBe("video.completed");
        expect(await caller.client.videos.retrieve(id)).toMatchObject({ status: "completed", progress: 100 });
        await until(async () => told(caller, id).length === 2);
        const types = told(caller, id).map(({ type }) => type);
        expect(types.sort()).toEqual(["video.completed", "video.started"]);
      });

      it("gets its file from S3 by a signed URL, to which the key does not go along", async () => {
        proxy.seen.length = 0;
        const response = await caller.client.videos.downloadContent(id);
        const bytes = Buffer.from(await response.arrayBuffer());
        const [row] = (await statement(
          place.databaseUrl,
          "select result->'video' as video from mixcache.videos where id = $1",
          [id],
        )) as { video: { key: string; sha256: string } }[];
        expect(createHash("sha256").update(bytes).digest("hex")).toBe(row?.video.sha256);
        expect(new URL(response.url).origin).toBe(proxy.origin);
        expect(proxy.seen).toHaveLength(1);
        expect(proxy.seen[0]?.path).toContain(`/${place.bucket.place.bucket}/${row?.video.key}?`);
        expect(proxy.seen[0]?.headers).not.toHaveProperty("authorization");
      });

      it("lists and deletes it, and the bucket is empty of it", async () => {
        const listed = async () => (await caller.client.videos.list()).data.map((video) => video.id);
        expect(await listed()).toEqual([id]);
        expect(await caller.client.videos.delete(id)).toMatchObject({ id, deleted: true });
        expect(await listed()).toEqual([]);
        expect(await refusal(caller.client.videos.retrieve(id))).toBeInstanceOf(OpenAI.NotFoundError);
        const { client, place: at } = place.bucket;
        await until(async () => !(await keysIn(client, at.bucket)).some((key) => key.includes(id)));
      });

      it("cancels a video in the middle, and is told by webhook", async () => {
        const cancelled = await made(label, create(caller.client, LONG));
        for await (const { type } of follow(caller.client, cancelled)) if (type === "decision") break;
        await caller.client.post(`/videos/${cancelled}/cancel`);
        expect(await ended(caller, cancelled)).toMatchObject({
          status: "failed",
          error: { code: "cancelled" },
        });
        await wasTold("video.cancelled", caller, cancelled);
      });
    });
  }

  it("an account of cell b never reaches cell a, not even by its addresses", async () => {
    const id = await made("a", create(alice.client, SHORT));
    const asked = "the-stranger-of-cell-b";
    const stranger = bob.client.withOptions({ defaultHeaders: { "x-request-id": asked } });
    for (const ask of questions({ ...bob, client: stranger }, id))
      expect(await refusal(ask() as Promise<unknown>)).toMatchObject({
        status: 404,
        code: "video_not_found",
      });
    expect((await stranger.videos.list()).data.map((video) => video.id)).not.toContain(id);
    const relabelled = stranger.withOptions({ apiKey: bob.key.replace("mx_b", "mx_a") });
    expect(await refusal(relabelled.videos.list())).toMatchObject({ status: 401 });
    // What the API logs of a request has its id.
    expect(stack.b.cell.said.join("\n")).toContain(asked);
    expect(stack.a.cell.said.join("\n")).not.toContain(asked);
    const around = stranger.withOptions({ baseURL: `${stack.a.cell.origin}/v1` });
    expect(await refusal(around.videos.list())).toMatchObject({ status: 403, code: "edge_proof_invalid" });
    expect(await ended(alice, id)).toMatchObject({ status: "completed" });
  });

  describe("a cell that is killed in the middle of a video and comes back", () => {
    const before: SseEvent[] = [];
    /** The first is being made when the cell is killed. */
    const ids: string[] = [];
    let sent: Promise<string>[] = [];
    const send = (when: string) =>
      [1, 2, 3].map((number) => made("a", create(alice.patient, SHORT, `${when}-${number}`)));
    /** Videos that the other cell's account has made, one after the other, since before the kill. */
    let beside = 0;
    let isBack = false;
    let goingOn: Promise<void>;
    const goOn = async () => {
      for (; !isBack; beside++) {
        const id = await made("b", create(bob.client, SHORT));
        expect((await eventsOf(bob, id)).at(-1)?.type).toBe("video.completed");
        const file = await bob.client.videos.downloadContent(id);
        expect((await file.arrayBuffer()).byteLength).toBeGreaterThan(0);
        expect((await bob.client.videos.list()).data.map((video) => video.id)).toContain(id);
        await wasTold("video.completed", bob, id);
      }
    };

    it("breaks off what it was saying", async () => {
      goingOn = goOn();
      // It is looked at in the end.
      goingOn.catch(() => {});
      for (const fields of [LONG, SHORT, SHORT]) ids.push(await made("a", create(alice.client, fields)));
      let killed: Promise<void> | undefined;
      const following = async () => {
        for await (const event of follow(alice.client, ids[0] ?? "")) {
          before.push(event);
          if (event.type !== "decision" || killed) continue;
          sent = send("before");
          await Promise.any(sent);
          killed = stack.a.cell.end("SIGKILL");
          sent.push(...send("meanwhile"));
        }
      };
      await following().catch((error) => {
        if (!killed) throw error;
      });
      await killed;
      expect(before.at(-1)?.type).toBe("decision");
    });

    it("is a 503 with Retry-After to its own accounts, whatever they ask", async () => {
      const whatever = [
        ...questions(alice, ids[0] ?? ""),
        () => create(alice.client, SHORT),
        () => alice.client.videos.list(),
      ];
      for (const ask of whatever) {
        const error = await refusal(ask() as Promise<unknown>);
        expect(error).toMatchObject({ status: 503, code: "cell_unavailable" });
        expect(Number(error.headers?.get("retry-after"))).toBeGreaterThan(0);
      }
    });

    it("is nothing to the other cell's accounts: each request is answered, videos are made", async () => {
      // The second one began after the kill.
      const enough = beside + 2;
      await Promise.race([goingOn, until(async () => beside >= enough)]);
    });

    it("comes back and completes every video that it had acknowledged, and those asked for meanwhile", async () => {
      await stack.a.cell.start();
      isBack = true;
      await goingOn;
      ids.push(...(await Promise.all(sent)));
      for (const id of ids) expect(await ended(alice, id)).toMatchObject({ status: "completed" });
      const { data } = await alice.client.videos.list({ limit: 9 });
      expect(data.map((video) => video.id).sort()).toEqual(ids.toSorted());
    });

    it("goes on with the events where they broke off", async () => {
      const rest = await eventsOf(alice, ids[0] ?? "", before.at(-1)?.id);
      const all = [...before, ...rest];
      expect(all.map((event) => event.id)).toEqual(all.map((_, at) => String(at + 1)));
      expect(all.filter(({ type }) => type === "video.started")).toHaveLength(2);
      expect(all.at(-1)?.type).toBe("video.completed");
    });

    it("tells the end of each video by webhook, as one event", async () => {
      for (const id of ids) {
        await wasTold("video.completed", alice, id);
        expect(told(alice, id).filter(({ type }) => type === "video.completed")).toHaveLength(1);
      }
    });

    it("has lost nothing and charged each video once; the other cell has not lost so much as an attempt", async () => {
      const sound = { lost: 0, chargedTwice: 0, wrongFiles: 0, ledgerSum: "0", faults: [] };
      // One was cancelled in each cell.
      const counts = (ids: ReadonlySet<string>) => ({ videos: ids.size, completed: ids.size - 1 });
      const { a, b } = acknowledged;
      expect(a.size).toBe(12);
      expect(await verdictOf(stack.a, a)).toMatchObject({ ...sound, ...counts(a), attemptsLost: 1 });
      expect(await verdictOf(stack.b, b)).toMatchObject({ ...sound, ...counts(b), attemptsLost: 0 });
    });
  });
});
