/** The hook decides; where it doesn't, nothing is made. */

import { describe, expect, it } from "vitest";
import { type Moderated, type ModerationHook, moderateBy } from "./moderation.ts";

const PROMPT: Moderated = { kind: "prompt", prompt: "a secret wish", negative_prompt: "", model: "shapes" };
const inTime = () => new AbortController().signal;

const thrown = (work: Promise<void>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error & { code: string; field?: string },
  );

describe("moderation", () => {
  it("lets pass what the hook allows, and asks it with what is to be judged", async () => {
    const asked: Moderated[] = [];
    const hook: ModerationHook = async (about) => {
      asked.push(about);
      return { allowed: true };
    };
    expect(await thrown(moderateBy(hook, inTime)(PROMPT))).toBeUndefined();
    expect(asked).toEqual([PROMPT]);
  });

  it("refuses with the hook's reason, and names the field", async () => {
    const error = await thrown(
      moderateBy(async () => ({ allowed: false, reason: "no people" }), inTime)(PROMPT),
    );
    expect(error).toMatchObject({ code: "moderation_refused", field: "prompt" });
    expect(error?.message).toContain("no people");
  });

  const broken: [string, ModerationHook][] = [
    ["throws", () => Promise.reject(new Error("a secret wish at http://user:password@judge"))],
    [
      "throws before it waits",
      () => {
        throw new Error("at once");
      },
    ],
    ["answers nothing", async () => undefined as never],
    ["answers a word", async () => ({ allowed: "yes" }) as never],
    ["gives a reason that is no text", async () => ({ allowed: true, reason: 1 }) as never],
  ];
  it.each(broken)("makes nothing where the hook %s, and repeats nothing of it", async (_, hook) => {
    const error = await thrown(moderateBy(hook, inTime)(PROMPT));
    expect(error).toMatchObject({ code: "moderation_failed" });
    expect(error?.message).not.toMatch(/secret|password/);
  });

  it("makes nothing where the hook is late, and tells it so", async () => {
    const time = new AbortController();
    let told: AbortSignal | undefined;
    const hook: ModerationHook = (_, { signal }) => {
      told = signal;
      return new Promise(() => undefined);
    };
    const waiting = thrown(moderateBy(hook, () => time.signal)(PROMPT));
    time.abort();
    expect(await waiting).toMatchObject({
      code: "moderation_failed",
      message: expect.stringContaining("in time"),
    });
    expect(told?.aborted).toBe(true);
    expect(await thrown(moderateBy(hook, () => time.signal)(PROMPT))).toMatchObject({
      code: "moderation_failed",
    });
  });
});
