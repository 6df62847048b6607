import { describe, expect, it } from "vitest";
import { MixcacheError } from "./errors.ts";
import { createLog, shownError } from "./logging.ts";

function logged(level = "info") {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line: string) => lines.push(line) } });
  return { log, lines };
}

const PROMPT = "a secret wish of somebody";

describe("log lines", () => {
  it("are JSON with a time, a level by name, fields and a message", () => {
    const { log, lines } = logged();
    log.info({ video: "video_a1", tookMs: 5 }, "done");
    log.debug({}, "not asked for");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      video: "video_a1",
      tookMs: 5,
      msg: "done",
    });
  });

  it("say of an error what it was and where, and what of it we wrote ourselves", () => {
    const { log, lines } = logged();
    log.error({ error: new MixcacheError("engine_out_of_memory", "Too little memory.") }, "failed");
    const { error } = JSON.parse(lines[0] ?? "");
    expect(error).toMatchObject({ code: "engine_out_of_memory", message: "Too little memory." });
    expect(error.at[0]).toMatch(/logging\.test\.ts/);
  });

  it.each([
    ["an error about input", () => new MixcacheError("invalid_argument", `prompt is “${PROMPT}”`)],
    ["an error of a library", () => new Error(`could not tokenize ${PROMPT}`)],
    [
      "an error of the engine with a library's words",
      () => new MixcacheError("engine_failed", `At ${PROMPT}.`),
    ],
    ["a cause", () => new MixcacheError("storage_failed", "No.", { cause: new Error(PROMPT) })],
    ["a message of many lines", () => new Error(`one\n at ${PROMPT}\nthree`)],
    ["JSON that can't be read", () => caught(() => JSON.parse(`{"prompt": "${PROMPT}"`))],
    ["a thrown text", () => PROMPT],
    ["a database's error with its row", () => Object.assign(new Error("null value"), { detail: PROMPT })],
  ])("never quote a prompt: %s", (_, make) => {
    const { log, lines } = logged("trace");
    const error = make();
    log.error({ error, err: error }, "failed");
    expect(lines.join("")).not.toContain("secret wish");
    expect(lines).toHaveLength(1);
  });

  it("withhold what has a telling name, should somebody log it", () => {
    const { log, lines } = logged();
    const request = { prompt: PROMPT, negative_prompt: PROMPT };
    log.info({ ...request, request, video: request, headers: { authorization: `Bearer ${PROMPT}` } }, "x");
    expect(lines.join("")).not.toContain("secret wish");
    expect(lines.join("")).toContain("[withheld]");
  });
});

describe("an error as it is shown", () => {
  it("keeps the system's words, which name files and no prompts", () => {
    const error = Object.assign(new Error("EACCES: permission denied, open '/data'"), {
      syscall: "open",
      code: "EACCES",
    });
    expect(shownError(error)).toMatchObject({ code: "EACCES", message: expect.stringContaining("/data") });
  });
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
