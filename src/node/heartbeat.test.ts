import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Heartbeat } from "./heartbeat.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start() {
  const ask = vi.fn();
  const onHung = vi.fn();
  const heartbeat = new Heartbeat({ intervalMs: 1000, timeoutMs: 3000, ask, onHung });
  return { heartbeat, ask, onHung };
}

describe("a heartbeat", () => {
  it("asks again and again, and is content with answers", () => {
    const { heartbeat, ask, onHung } = start();
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(1000);
      heartbeat.heard();
    }
    expect(ask).toHaveBeenCalledTimes(11);
    expect(onHung).not.toHaveBeenCalled();
  });

  it("says once that nothing was heard for the whole time", () => {
    const { heartbeat, onHung } = start();
    vi.advanceTimersByTime(2000);
    heartbeat.heard();
    vi.advanceTimersByTime(2999);
    expect(onHung).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onHung).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100_000);
    expect(onHung).toHaveBeenCalledTimes(1);
  });

  it("does not count the time in which this process stood still", () => {
    const { onHung } = start();
    vi.advanceTimersByTime(2000);
    // A suspended process: its clock has gone on, its timers have not.
    const now = performance.now();
    vi.spyOn(performance, "now").mockReturnValueOnce(now + 60_000);
    vi.advanceTimersByTime(1000);
    expect(onHung).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1000);
    expect(onHung).toHaveBeenCalledTimes(1);
  });

  it("is silent once it was stopped", () => {
    const { heartbeat, ask, onHung } = start();
    heartbeat.stop();
    vi.advanceTimersByTime(100_000);
    expect(ask).toHaveBeenCalledTimes(1);
    expect(onHung).not.toHaveBeenCalled();
  });
});
