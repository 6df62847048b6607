/** The embedded bundle, opened in this process, and PyTorch's reference tensors for it. */

import path from "node:path";
import { type Bundle, readBundle } from "../../src/engine/bundle/read.ts";
import type { State } from "../../src/engine/segments/contract.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings, type Settings } from "../../src/engine/settings.ts";
import { encodeText, loadTokenizer } from "../../src/engine/text.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/embedded.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { readGolden } from "./golden.ts";

const GOLDEN = path.join(import.meta.dirname, "../golden/shapes");

export async function openShapes(threads = 1): Promise<{ bundle: Bundle; backend: OnnxBackend }> {
  const files = new FolderFiles(EMBEDDED_BUNDLE);
  const bundle = await readBundle(files);
  return { bundle, backend: new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads })) };
}

/** The text encoder's values for one prompt. */
export async function conditioningOf(bundle: Bundle, backend: OnnxBackend, prompt: string): Promise<State> {
  const encoder = bundle.manifest.text_encoders[0];
  if (!encoder) throw new Error("the bundle has no text encoder");
  const tokens = (await loadTokenizer(bundle, encoder))(prompt);
  return encodeText(backend, encoder, tokens, {});
}

interface Golden {
  readonly prompt: string;
  readonly seed: number;
  readonly steps: number;
  readonly step: number;
  readonly guidance: number;
  readonly sigmas: readonly number[];
  readonly bundle_digest: string;
  readonly frame_indices: readonly number[];
}

export const { about: golden, tensor: reference } = readGolden<Golden>(GOLDEN);

/** The settings of the reference run, or of a variation. */
export function goldenSettings(
  bundle: Bundle,
  changes: Partial<{ steps: number; seed: number }> = {},
): Settings {
  return resolveSettings(bundle.manifest, {
    prompt: golden.prompt,
    seed: changes.seed ?? golden.seed,
    num_inference_steps: changes.steps ?? golden.steps,
    guidance_scale: golden.guidance,
  });
}
