/**
 * Does the embedded model draw what the prompt says? Runs the held-out prompts through the engine and judges the
 * raw frames.
 *
 *     npm run adherence
 *     npm run adherence -- --count 12 --steps 20 --sheet sheet.png
 *     npm run adherence -- --cache mixcache
 *     npm run adherence -- --prompts other/videos.json --guidance 4
 */
import { parseArgs } from "node:util";
import { heldOutPrompts, readVideos } from "../../src/lab/adherence/grammar.ts";
import { report, scoreVideo } from "../../src/lab/adherence/score.ts";
import { contactSheet, writeFileAtomically } from "../../src/media/index.ts";
import { EMBEDDED_BUNDLE, EngineChild, type RgbFrames } from "../../src/node/index.ts";
import { table } from "./from-folder.ts";

const { values } = parseArgs({
  options: {
    bundle: { type: "string", default: EMBEDDED_BUNDLE },
    prompts: { type: "string" },
    count: { type: "string", default: "96" },
    steps: { type: "string" },
    guidance: { type: "string" },
    cache: { type: "string", default: "off" },
    threads: { type: "string", default: "2" },
    sheet: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const all = values.prompts === undefined ? heldOutPrompts() : readVideos(values.prompts);
const prompts = all.videos.slice(0, Number(values.count));
const engine = await EngineChild.start({ bundle: values.bundle, threads: Number(values.threads) });
const videos: RgbFrames[] = [];
let seconds = 0;
try {
  for (const [index, { prompt }] of prompts.entries()) {
    const { frames, trace } = await engine.generate({
      prompt,
      seed: index,
      cache: values.cache,
      ...(values.steps !== undefined && { num_inference_steps: Number(values.steps) }),
      ...(values.guidance !== undefined && { guidance_scale: Number(values.guidance) }),
    });
    videos.push(frames);
    seconds += trace.totalMs / 1000;
  }
} finally {
  engine.dispose();
}
const found = report(
  videos.flatMap((frames, i) => {
    const expected = prompts[i];
    return expected ? [{ expected, seen: scoreVideo(frames.data, frames) }] : [];
  }),
);
if (values.sheet !== undefined) {
  const rows = videos
    .slice(0, 16)
    .map((frames, i) => ({ frames: everyOther(frames), label: prompts[i]?.prompt ?? "" }));
  await writeFileAtomically(values.sheet, await contactSheet(rows, { columns: 8 }));
}
if (values.json) console.log(JSON.stringify(found, null, 2));
else
  console.log(
    `${prompts.length} held-out prompts, ${(seconds / prompts.length).toFixed(1)} s a video\n\n${table(found)}`,
  );

/** Half of the frames, so that a video is one row. */
function everyOther({ width, height, count, data }: RgbFrames): RgbFrames {
  const bytes = width * height * 3;
  const kept = Array.from({ length: Math.ceil(count / 2) }, (_, i) =>
    data.subarray(2 * i * bytes, (2 * i + 1) * bytes),
  );
  return { width, height, count: kept.length, data: Buffer.concat(kept) };
}
