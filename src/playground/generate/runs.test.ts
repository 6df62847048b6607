import { describe, expect, it } from "vitest";
import { MixcacheError } from "../../errors.ts";
import type { Generator, Tell } from "./generator.ts";
import type { MadeVideo } from "./made-video.ts";
import { cancelRun, isRunning, problems, run, startRun } from "./runs.ts";

const request = { prompt: "a", seed: "7", cache: { policy: "off" } };
const video = { id: "video_1" } as MadeVideo;
const by = (generate: Generator["generate"]) => async (): Promise<Generator> => ({
  place: "server",
  generate,
});

describe("the run of the page", () => {
  it("ends with its video", async () => {
    const made = startRun(
      request,
      by(async () => video),
      { place: "server" },
    );
    expect(isRunning(run.value)).toBe(true);
    expect(await made).toBe(video);
    expect(run.value?.ending).toEqual({ is: "made", video });
  });

  it("ends at the field that was refused", async () => {
    const refuse = async () => {
      throw new MixcacheError("invalid_argument", "It is too fast.", { field: "cache.speed" });
    };
    expect(await startRun(request, by(refuse), { place: "server" })).toBeUndefined();
    expect(problems.value).toEqual({ cache: "It is too fast." });
    expect(run.value?.ending).toEqual({ is: "failed", sentence: "It is too fast." });
    await startRun(
      request,
      by(async () => video),
      { place: "server" },
    );
    expect(problems.value).toEqual({});
  });

  it("is stopped by the person, which is no failure", async () => {
    const wait: Generator["generate"] = (_, __, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new MixcacheError("aborted", "Stopped.")));
      });
    const made = startRun(request, by(wait), { place: "server" });
    await Promise.resolve();
    await Promise.resolve();
    cancelRun();
    await made;
    expect(run.value?.ending).toEqual({ is: "stopped" });
    expect(problems.value).toEqual({});
  });

  it("is not disturbed by what an earlier one still tells", async () => {
    let late: Tell = () => {};
    const first: Generator["generate"] = async (_, tell) => {
      late = tell;
      return video;
    };
    await startRun(request, by(first), { place: "server" });
    await startRun(
      request,
      by(async () => video),
      { place: "server" },
    );
    late({ is: "notice", sentence: "Too late." });
    expect(run.value?.notices).toEqual([]);
  });
});
