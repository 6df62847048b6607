import { describe, expect, it } from "vitest";
import { MixcacheError } from "../../errors.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import { Library, type LibraryOptions, newestFirst } from "./library.ts";

const local = (id: string, createdAtMs: number) => ({ id, createdAtMs, place: "browser" }) as MadeVideo;
const frames = { width: 1, height: 1, count: 1, data: new Uint8Array(3) };

function library(changes: Partial<LibraryOptions["api"]> = {}) {
  const asked: string[] = [];
  const note = <T>(what: string, answer: T) => {
    asked.push(what);
    return Promise.resolve(answer);
  };
  const stored = { video: local("local_1", 5), trace: {}, frames, file: undefined };
  const options = {
    api: {
      file: (path: string) => note(path, new Blob(["x"])),
      remove: (id: string) => note(`remove ${id}`, undefined),
      ...changes,
    },
    database: {
      list: () => Promise.resolve([stored.video]),
      get: (id: string) => Promise.resolve(id === "local_1" ? stored : undefined),
      remove: (id: string) => note(`remove ${id}`, undefined),
    },
    decode: () => note("decode", frames),
  } as unknown as LibraryOptions;
  return { library: new Library(options), asked };
}

describe("the library", () => {
  it("lists what is here even where the server doesn't answer, and says so", async () => {
    const videos = () =>
      Promise.reject(new MixcacheError("server_unreachable", "The server can't be reached."));
    const listed = await library({ videos }).library.list(true);
    expect(listed.videos.map(({ id }) => id)).toEqual(["local_1"]);
    expect(listed.problems).toEqual(["The server can't be reached."]);
  });

  it("fetches a file once, and again after it failed", async () => {
    const { library: some, asked } = library();
    await Promise.all([some.file(local("video_1", 1)), some.frames(local("video_1", 1))]);
    expect(asked.filter((path) => path.includes("content"))).toHaveLength(1);
    let fails = true;
    const file = async () => {
      if (fails) throw new MixcacheError("server_unreachable", "No.");
      return new Blob();
    };
    const { library: shaky } = library({ file });
    await expect(shaky.file(local("video_1", 1))).rejects.toThrow("No.");
    fails = false;
    await expect(shaky.file(local("video_1", 1))).resolves.toBeInstanceOf(Blob);
  });

  it("knows frames exactly where the engine made them here", async () => {
    const { library: some } = library();
    expect((await some.frames(local("local_1", 1))).exact).toBe(true);
    expect((await some.frames(local("video_1", 1))).exact).toBe(false);
  });

  it("deletes each where it is", async () => {
    const { library: some, asked } = library();
    await some.remove(local("local_1", 1));
    await some.remove(local("video_1", 1));
    expect(asked).toEqual(["remove local_1", "remove video_1"]);
  });

  it("says of a video that is gone that it is gone", async () => {
    await expect(library().library.video("local_2")).rejects.toMatchObject({ code: "video_not_found" });
  });
});

it("newest first, each once", () => {
  const videos = [local("a", 1), local("b", 3), local("a", 1), local("c", 2)];
  expect(newestFirst(videos).map(({ id }) => id)).toEqual(["b", "c", "a"]);
});
