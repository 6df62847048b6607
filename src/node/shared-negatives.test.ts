/** With a real engine, since it is the engine's order of asking that tells a negative prompt from a prompt. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { GenerateRequest } from "../engine/settings.ts";
import type { NegativeSource } from "./child.ts";
import { embeddingFile } from "./embedding-cache.ts";
import { EngineChild } from "./engine-child.ts";
import type { NegativeName } from "./protocol.ts";
import { BUNDLE, framesHash, SHORT } from "./testing.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-negatives-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A parent's side that remembers what it was asked and told. */
class Source implements NegativeSource {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly has = new Map<string, Uint8Array>();

  async get({ name }: NegativeName): Promise<Uint8Array | undefined> {
    this.asked.push(name);
    return this.has.get(name);
  }

  used({ name }: NegativeName): void {
    this.told.push(name);
  }
}

/** Videos by one engine that starts with an empty folder of this name. */
async function videos(name: string, negatives: Source, requests: readonly GenerateRequest[]) {
  const place = path.join(folder, name);
  const embeddings = { folder: place, maxBytes: 1e7 };
  const engine = await EngineChild.start({ bundle: BUNDLE, threads: 1, embeddings, negatives });
  try {
    const results = [];
    for (const request of requests) results.push(await engine.generate(request));
    return { place, results };
  } finally {
    engine.dispose();
  }
}

const WITH_NEGATIVE = { ...SHORT, negative_prompt: "a green square" };

it("what one machine has made, another has without its text encoder: the same video, bit for bit", async () => {
  const first = new Source();
  const made = await videos("first", first, [WITH_NEGATIVE]);
  expect(first.asked).toHaveLength(1);
  expect(first.told).toEqual(first.asked);
  const [name = ""] = first.told;
  const second = new Source();
  second.has.set(name, await readFile(embeddingFile(made.place, name)));
  const [video] = (await videos("second", second, [WITH_NEGATIVE])).results;
  expect(second.asked).toEqual([name]);
  expect(video?.trace.textCached).toBe(1);
  expect(made.results[0]?.trace.textCached).toBe(0);
  expect(video && framesHash(video)).toBe(made.results[0] && framesHash(made.results[0]));
});

it("nothing of a prompt is asked for or told, not even where it is another's negative prompt", async () => {
  const source = new Source();
  const swapped = { ...SHORT, prompt: "a green square", negative_prompt: SHORT.prompt };
  const { place } = await videos("one", source, [WITH_NEGATIVE]);
  const [green = ""] = source.told;
  await videos("two", source, [swapped]);
  const red = source.told[1] ?? "";
  expect(source.asked).toEqual([green, red]);
  expect(source.told).toEqual([green, red]);
  expect(red).not.toBe(green);
  // Both texts lie in the folder of either machine; of each only the negative one was spoken of.
  expect((await readdir(place)).toSorted()).toEqual([`${green}.embeddings`, `${red}.embeddings`].toSorted());
});

it("a negative prompt that says the same as the prompt is the prompt's", async () => {
  const source = new Source();
  await videos("same", source, [{ ...SHORT, negative_prompt: SHORT.prompt }]);
  expect([source.asked, source.told]).toEqual([[], []]);
});

it("what the parent sends and is no such file is made here instead", async () => {
  const source = new Source();
  const [good] = (await videos("good", source, [WITH_NEGATIVE])).results;
  source.has.set(source.told[0] ?? "", new TextEncoder().encode("hello\nworld"));
  const [video] = (await videos("bad", source, [WITH_NEGATIVE])).results;
  expect(video?.trace.textCached).toBe(0);
  expect(video && framesHash(video)).toBe(good && framesHash(good));
});

it("the second video with the same negative prompt is told of, and not asked for", async () => {
  const source = new Source();
  await videos("twice", source, [WITH_NEGATIVE, { ...WITH_NEGATIVE, prompt: "a blue ring" }]);
  expect(source.asked).toHaveLength(1);
  expect(source.told).toHaveLength(2);
});
