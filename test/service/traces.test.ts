/** Traces as a collector gets them: real spans over OTLP from a process that was only told where to send them. */

import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import path from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** The SDK is large, and PGlite takes seconds to start; on a busy machine many. */
const PATIENCE_MS = 300_000;

const PARENT = "00f067aa0ba902b7";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SCRIPT = path.join(import.meta.dirname, "../support/traced-service.ts");

let collector: Server;
const bodies: string[] = [];
let endpoint = "";

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    bodies.push(`${request.url} ${await text(request)}`);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  endpoint = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
});
afterAll(() => collector.close());

async function traced(more: Record<string, string>): Promise<string> {
  const env = { ...process.env, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", ...more };
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, `00-${TRACE}-${PARENT}-01`], {
    env,
  });
  return stdout;
}

function spansOf(body: string): Span[] {
  const { resourceSpans } = JSON.parse(body.slice(body.indexOf("{"))) as {
    resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
  };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

it("a video's trace goes from its request over the queue to the attempt and the store, without its prompt", {
  timeout: PATIENCE_MS,
}, async () => {
  const id = await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  expect(bodies.every((body) => body.startsWith("/v1/traces "))).toBe(true);
  const spans = bodies.flatMap(spansOf).filter(({ traceId }) => traceId === TRACE);
  const named = (name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect(found.map((span) => span.name)).toEqual([name]);
    return found[0] as Span;
  };
  const request = named("POST /v1/videos");
  const create = named("video.create");
  const attempt = named("video.attempt");
  expect(request.parentSpanId).toBe(PARENT);
  expect(create.parentSpanId).toBe(request.spanId);
  expect(attempt.parentSpanId).toBe(create.spanId);
  for (const name of ["engine.generate", "video.store", "video.settle"])
    expect(named(name).parentSpanId).toBe(attempt.spanId);
  // OTLP's numbers: server 2, client 3, producer 4, consumer 5.
  expect([request, create, attempt, named("video.store")].map(({ kind }) => kind)).toEqual([2, 4, 5, 3]);
  expect(attempt.attributes).toContainEqual({ key: "mixcache.video_id", value: { stringValue: id } });
  expect(bodies.join("\n")).toContain('"stringValue":"mixcache"');
  for (const secret of ["hidden", "mx_", "acct_"]) expect(bodies.join("\n")).not.toContain(secret);
});

it("nothing is sent where nothing is configured, or where it is switched off", {
  timeout: PATIENCE_MS,
}, async () => {
  bodies.length = 0;
  await traced({});
  await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: "true" });
  expect(bodies).toEqual([]);
});

it("a collector that is away harms nobody", { timeout: PATIENCE_MS }, async () => {
  expect(await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" })).toMatch(/^video_/);
});
