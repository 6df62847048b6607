import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type FormKind, objectOfForm } from "./form.ts";
import { objectOfJson } from "./json.ts";
import { checked } from "./sentence.ts";

const KINDS: Record<string, FormKind> = { steps: "number", cache: "values", metadata: "texts" };
const read = (...fields: [string, string][]) => objectOfForm(fields, KINDS);

describe("a form says what JSON would have said", () => {
  it("reads numbers where a field is one, and leaves texts alone", () => {
    expect(read(["prompt", "12"], ["steps", "20"])).toEqual({ prompt: "12", steps: 20 });
  });

  it("leaves what is no number to the schema", () => {
    expect(read(["steps", "many"])).toEqual({ steps: "many" });
  });

  it("builds objects from brackets, as OpenAI's clients send them", () => {
    expect(
      read(["cache[policy]", "mixcache"], ["cache[speed]", "2.5"], ["cache[calibrated]", "false"]),
    ).toEqual({ cache: { policy: "mixcache", speed: 2.5, calibrated: false } });
    expect(read(["metadata[shot]", "7"])).toEqual({ metadata: { shot: "7" } });
    expect(read(["cache[list][]", "a"], ["cache[list][]", "b"])).toEqual({ cache: { list: ["a", "b"] } });
  });

  it("reads objects that were written as JSON", () => {
    expect(read(["cache", '{"policy":"mixcache","speed":2}'])).toEqual({
      cache: { policy: "mixcache", speed: 2 },
    });
    expect(read(["cache", "off"])).toEqual({ cache: "off" });
  });

  it.each([
    [
      [
        ["prompt", "a"],
        ["prompt", "b"],
      ],
    ],
    [
      [
        ["cache", "off"],
        ["cache[policy]", "off"],
      ],
    ],
    [[["__proto__[x]", "1"]]],
    [[["cache[__proto__][x]", "1"]]],
    [[["a[b", "1"]]],
  ] as [[string, string][]][])("refuses %j", (fields) => {
    expect(() => read(...fields)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });
});

describe("JSON", () => {
  it("keeps every digit of a whole number", () => {
    expect(objectOfJson('{"seed":18446744073709551615,"small":7,"part":0.5}')).toEqual({
      seed: "18446744073709551615",
      small: 7,
      part: 0.5,
    });
  });

  it("takes null for not given", () => {
    expect(objectOfJson('{"seed":null}')).toEqual({});
  });

  it.each(["", "[1]", "7", "null", "{", '"x"'])("refuses %j", (text) => {
    expect(() => objectOfJson(text)).toThrow(expect.objectContaining({ field: "body" }));
  });
});

describe("texts that no database keeps are refused by the field they are in", () => {
  const schema = z.looseObject({});

  it.each([
    ['{"prompt":"a\\u0000"}', "prompt"],
    ['{"prompt":"\\ud800"}', "prompt"],
    ['{"metadata":{"\\u0000":"x"}}', "metadata"],
    ['{"\\u0000":"x"}', "body"],
  ])("JSON: %s", (text, field) => {
    expect(() => checked(schema, objectOfJson(text))).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });

  it.each([
    ["prompt", "a\0", "prompt"],
    ["metadata[\0]", "x", "metadata"],
    ["cache", '{"policy":"\\u0000"}', "cache.policy"],
  ])("a form: %j is %j", (name, value, field) => {
    expect(() => checked(schema, read([name, value]))).toThrow(
      expect.objectContaining({ code: "invalid_argument", field }),
    );
  });
});
