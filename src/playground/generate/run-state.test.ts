import { describe, expect, it } from "vitest";
import type { RunEvent } from "./generator.ts";
import { announcementOf, begun, told, wordsOf } from "./run-state.ts";

const request = { prompt: "a", seed: "7", cache: { policy: "off" } };
const stateAfter = (...events: RunEvent[]) => events.reduce(told, begun(request, "server"));
const step = (index: number, flops: number): RunEvent => ({
  is: "step",
  step: { index, mode: flops ? "full" : "step", flops, full_flops: 100 },
});
const denoising: RunEvent = {
  is: "progress",
  phase: "denoise",
  share: 0.3,
  step: 3,
  steps: 8,
  secondsLeft: 4.2,
};

describe("a run", () => {
  it("says where it stands", () => {
    expect(wordsOf(stateAfter())).toEqual({ title: "Starting", detail: "Asking the server" });
    const queued: RunEvent = { is: "queued", position: 3, etaSeconds: 150 };
    expect(wordsOf(stateAfter(queued))).toEqual({
      title: "Queued",
      detail: "3 before it · about 3 min left",
    });
    expect(wordsOf(stateAfter({ ...queued, position: 0, etaSeconds: undefined })).detail).toBe(
      "Next in line",
    );
    const download = {
      is: "download",
      receivedBytes: 1_500_000,
      totalBytes: 9_500_000,
      cachedBytes: 0,
    } as const;
    expect(wordsOf(stateAfter(download)).detail).toBe("1.5 of 9.5 MB");
    const all = { ...download, receivedBytes: 9_500_000 };
    expect(wordsOf(stateAfter(download, all)).title).toBe("Preparing the engine");
    expect(wordsOf(stateAfter(denoising, step(0, 100), step(1, 0)))).toEqual({
      title: "Step 3 of 8",
      detail: "50 % of the work reused · about 5 s left",
    });
  });

  it("keeps its steps in order, each once, however they come", () => {
    const { finished } = stateAfter(step(2, 0), step(0, 100), step(1, 0), step(1, 0));
    expect(finished.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it("forgets an attempt that was lost", () => {
    const state = stateAfter(denoising, step(0, 100), { is: "started" });
    expect(state).toMatchObject({ finished: [], step: 0, share: 0, phase: "text" });
  });

  it("shows no older picture after a newer one", () => {
    const picture = new Blob();
    const state = stateAfter({ is: "preview", index: 9, picture }, { is: "preview", index: 4, picture });
    expect(state.preview?.index).toBe(9);
  });

  it("says a notice once", () => {
    const notice: RunEvent = { is: "notice", sentence: "There is no WebGPU here." };
    expect(stateAfter(notice, notice).notices).toEqual(["There is no WebGPU here."]);
  });

  it("is announced by phases and quarters, not by steps", () => {
    const states = [0, 1, 2, 3, 4, 5, 6, 7].map((count) =>
      stateAfter(denoising, ...Array.from({ length: count + 1 }, (_, at) => step(at, 0))),
    );
    expect([...new Set(states.map(announcementOf))]).toEqual([
      "Denoising.",
      "25 % of the steps are done.",
      "50 % of the steps are done.",
      "75 % of the steps are done.",
      "100 % of the steps are done.",
    ]);
    expect(announcementOf({ ...stateAfter(), ending: { is: "failed", sentence: "No." } })).toBe("No.");
  });
});
