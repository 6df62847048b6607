/** Which of a bundle's files a video needs. */

import type { Manifest } from "../engine/bundle/manifest.ts";
import { workOfPart } from "../engine/residency.ts";
import { graphsOfWork } from "../engine/segments/work.ts";

/**
 * The files without which no video can be made. The finer partition and the other variants are not among them: those
 * that a cache policy asks for are fetched when it does.
 */
export function neededFiles(manifest: Manifest): readonly string[] {
  const parts = ["text", ...manifest.denoisers, "decoder"] as const;
  const work = parts.flatMap((part) => workOfPart(manifest, part, false));
  const graphs = work.flatMap((item) => graphsOfWork(manifest, item)).map(({ graph }) => graph);
  const weights = graphs.flatMap((graph) => manifest.files[graph]?.weights ?? []);
  const tokenizers = manifest.text_encoders.flatMap(({ tokenizer }) =>
    "file" in tokenizer ? [tokenizer.file] : [],
  );
  return [...new Set([...tokenizers, ...graphs, ...weights])];
}
