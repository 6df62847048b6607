/**
 * Judges the videos of a folder that `shapes.sample` or `shapes.ground_truth` wrote:
 *
 *     node bench/adherence/from-folder.ts DIR
 *
 * DIR holds `videos.json` (prompts and attributes) and `frames.bin` (RGB bytes, [video, frame, height, width, 3]).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readVideos } from "../../src/lab/adherence/grammar.ts";
import { ATTRIBUTES, type Report, report, type Share, scoreVideo } from "../../src/lab/adherence/score.ts";

export function scoreFolder(folder: string): Report {
  const { width, height, frames: count, videos } = readVideos(join(folder, "videos.json"));
  const bytes = readFileSync(join(folder, "frames.bin"));
  const each = count * height * width * 3;
  if (bytes.length !== each * videos.length)
    throw new Error(
      `${folder}/frames.bin has ${bytes.length} bytes, ${videos.length} videos have ${each * videos.length}`,
    );
  return report(
    videos.map((expected, index) => ({
      expected,
      seen: scoreVideo(bytes.subarray(index * each, (index + 1) * each), { width, height, count }),
    })),
  );
}

/** A table for the terminal. */
export function table(found: Report): string {
  const line = (name: string, { right, of, percent }: Share) =>
    `${name.padEnd(12)} ${`${right}/${of}`.padStart(9)} ${percent.toFixed(1).padStart(6)} %`;
  const wrong = found.confusions.slice(0, 20);
  return [
    ...[...ATTRIBUTES, "all" as const].map((attribute) => line(attribute, found[attribute])),
    "",
    "motion, by the motion asked for",
    ...Object.entries(found.byMotion).map(([motion, figures]) => line(motion, figures)),
    "",
    "most frequent mistakes",
    ...wrong.map(({ attribute, expected, seen, count }) => `${count} x ${attribute}: ${expected} -> ${seen}`),
  ].join("\n");
}

if (import.meta.main) {
  const folder = process.argv[2];
  if (!folder) throw new Error("usage: node bench/adherence/from-folder.ts DIR");
  console.log(table(scoreFolder(folder)));
}
