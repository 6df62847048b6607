/**
 * The stock `openai` client of Python, unmodified, against the whole service with a stub of the engine. It runs where
 * MIXCACHE_TEST_OPENAI_PYTHON names a Python that has it; `npm run test:python-client` makes one in .venv-openai.
 */

import { spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestApi, type TestApi } from "../support/api.ts";

const python = process.env.MIXCACHE_TEST_OPENAI_PYTHON;
const SCRIPT = path.join(import.meta.dirname, "../clients/videos.py");

describe.skipIf(python === undefined)("Python's client", () => {
  let api: TestApi;
  let seen: Record<string, unknown>;

  beforeAll(async () => {
    api = await startTestApi();
    await api.startWorker();
    const child = spawn(python ?? "", [SCRIPT, `${api.origin}/v1`, api.key]);
    const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (said === "") throw new Error(complained);
    seen = JSON.parse(said);
  });
  afterAll(() => api.close());

  it("creates, polls and downloads", () => {
    expect(seen.created).toMatchObject({
      object: "video",
      model: "shapes",
      seconds: "2",
      size: "64x64",
      seed: 7,
      cache: { policy: "mixcache", options: { speed: 2 } },
      metadata: { shot: "7" },
    });
    expect(seen.video).toMatchObject({ status: "completed", progress: 100, error: null });
    expect(seen).toMatchObject({ magic: "RIFF", polled: "completed" });
    expect(seen.bytes).toBeGreaterThan(100);
    expect(seen.thumbnail_bytes).toBeGreaterThan(20);
  });

  it("lists page by page, and deletes", () => {
    const { id } = seen.video as { id: string };
    expect(seen.listed).toEqual([seen.polled_id, id]);
    expect(seen.deleted).toEqual({ id, object: "video.deleted", deleted: true });
  });

  it("remixes", () => {
    expect(seen.remixed).toMatchObject({ prompt: "a green square", remixed_from_video_id: seen.polled_id });
  });

  it("raises its own exceptions, with the request id", () => {
    expect(seen.refusals).toEqual({
      size: ["BadRequestError", 400, "invalid_argument", "size", true],
      picture: ["BadRequestError", 400, "not_supported", "input_reference", true],
      gone: ["NotFoundError", 404, "video_not_found", null, true],
      key: ["AuthenticationError", 401, "invalid_api_key", null, true],
    });
  });
});
