import { describe, expect, it } from "vitest";
import { Streams } from "./streams.ts";

describe("open streams", () => {
  it("are at most so many of an account, and of all", () => {
    const streams = new Streams({ process: 3, account: 2 });
    expect(streams.take("a")).toBeDefined();
    expect(streams.take("a")).toBeDefined();
    expect(streams.take("a")).toBeUndefined();
    expect(streams.take("b")).toBeDefined();
    expect(() => streams.mustTake("b")).toThrow(expect.objectContaining({ code: "streams_full" }));
  });

  it("make room when they are closed, once each", () => {
    const streams = new Streams({ process: 2, account: 2 });
    const [first] = [streams.mustTake("a"), streams.mustTake("a")];
    first();
    first();
    expect(streams.open).toBe(1);
    streams.mustTake("a");
    expect(streams.take("a")).toBeUndefined();
  });
});
