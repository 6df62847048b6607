import { describe, expect, it } from "vitest";
import { toyManifest } from "../../../test/support/toy-bundle.ts";
import type { DenoiserManifest, Manifest } from "./manifest.ts";
import { checkStructure } from "./structure.ts";

/** The toy manifest after a change to it or to its denoiser. */
function changed(change: (manifest: Manifest, denoiser: DenoiserManifest) => void): Manifest {
  const manifest = toyManifest();
  const denoiser = manifest.denoisers[0];
  if (!denoiser) throw new Error("no denoiser");
  change(manifest, denoiser);
  return manifest;
}

const segment = (denoiser: DenoiserManifest, index: number) => {
  const found = denoiser.segments[index];
  if (!found) throw new Error(`no segment ${index}`);
  return found;
};

describe("checkStructure", () => {
  it("accepts a manifest that holds together", () => {
    expect(() => checkStructure(toyManifest())).not.toThrow();
  });

  it("asks for graphs among the files only where ONNX Runtime is to run them", () => {
    const torch = { family: "toy", weights: "0".repeat(64), modules: false };
    const graphless = (engines: Manifest["engines"]) =>
      changed((manifest) => {
        const { "tokenizer.json": tokenizer } = manifest.files;
        if (!tokenizer) throw new Error("no tokenizer");
        Object.assign(manifest, { engines, torch, files: { "tokenizer.json": tokenizer } });
      });
    expect(() => checkStructure(graphless(["torch"]))).not.toThrow();
    expect(() => checkStructure(graphless(["onnx", "torch"]))).toThrow(/text\.onnx, which is not among/);
  });

  it.each<[string, (manifest: Manifest, denoiser: DenoiserManifest) => void, RegExp]>([
    [
      "a gap between blocks",
      (_, d) => d.segments.splice(1, 1),
      /segment block_1 .* 1 to 2, but .* end at 0: a gap/,
    ],
    ["torch without its weights", (m) => (m.engines = ["torch"]), /nothing says which weights/],
    [
      "a tokenizer that is not there, though torch alone runs it",
      (m) => {
        m.engines = ["torch"];
        m.torch = { family: "toy", weights: "0".repeat(64), modules: false };
        m.files = {};
      },
      /tokenizer of text needs tokenizer\.json/,
    ],
    ["overlapping blocks", (_, d) => (segment(d, 2).blocks = [0, 2]), /an overlap/],
    ["blocks that run backwards", (_, d) => (segment(d, 1).blocks = [0, 0]), /block_1/],
    [
      "a value that nothing makes",
      (_, d) => (segment(d, 0).outputs = { hidden: "hidden" }),
      /block_0 of main reads temb, .*: a gap/,
    ],
    [
      "a segment that waits for a later one",
      (_, d) => {
        segment(d, 1).inputs = { ...segment(d, 1).inputs, late: "late" };
        segment(d, 2).outputs = { ...segment(d, 2).outputs, late: "late" };
        d.values.late = { kind: "step", dims: [1], dtype: "float32" };
      },
      /reads late, which only segment block_1 makes: a circle/,
    ],
    [
      "a segment that waits for itself",
      (_, d) => {
        segment(d, 1).inputs = { ...segment(d, 1).inputs, own: "own" };
        segment(d, 1).outputs = { ...segment(d, 1).outputs, own: "own" };
        d.values.own = { kind: "step", dims: [1], dtype: "float32" };
      },
      /reads own, which only segment block_0 makes: a circle/,
    ],
    ["a name without a description", (_, d) => delete d.values.temb, /temb, which values does not describe/],
    ["no output", (_, d) => (segment(d, 3).outputs = {}), /its last segment must write it/],
    [
      "a distance stream that is none",
      (_, d) => (d.distance_stream = "temb"),
      /distance_stream of main is temb/,
    ],
    ["a signal that nothing makes", (_, d) => (d.signals = { shift: "nothing" }), /signal shift/],
    ["a graph that is not listed", (m) => delete m.files["head.onnx"], /segment head needs head.onnx/],
    [
      "weights that are not listed",
      (m) => delete m.files["weights.bin"],
      /graph block.onnx needs weights.bin/,
    ],
    [
      "statistics of the wrong length",
      (m) => m.latents.mean.push(0),
      /2 channels, but mean and std have 3 and 2/,
    ],
    ["noise levels that no denoiser serves", (_, d) => (d.noise_levels = [0, 0.9]), /from 0.9 to 1/],
    [
      "a hole between experts",
      (m, d) => m.denoisers.push({ ...d, id: "other", noise_levels: [0.95, 1] }),
      /starts at noise level 0.95/,
    ],
    [
      "an encoder of quoted parts that can't say how wide nothing is",
      (m) => m.text_encoders.map((encoder) => Object.assign(encoder, { quoted: "{text}" })),
      /text encoder text may get no text at all, but its output context has no channels/,
    ],
    [
      "FLOPs of texts that are none",
      (_, d) => (segment(d, 1).flops.texts = ["context", "hidden"]),
      /count the tokens of hidden, which is no prompt value/,
    ],
    [
      "a decoder without state",
      (m) => (m.decoder.first.outputs = { frames: "frames" }),
      /decoder.next reads state/,
    ],
    [
      "a decoder that gives no frames",
      (m) => (m.decoder.first.outputs = { state: "state" }),
      /no value named frames/,
    ],
    [
      "tiles of rows alone",
      (m) => (m.decoder.tiles = { rows: { size: 4, stride: 3 } }),
      /rows or columns alone/,
    ],
    [
      "clips of a decoder that goes on in time",
      (m) => (m.decoder.tiles = { frames: { size: 4, stride: 3 } }),
      /decoder.next already goes on in time/,
    ],
    [
      "tiles with gaps between them",
      (m) => (m.decoder.tiles = { rows: { size: 4, stride: 3 }, columns: { size: 2, stride: 3 } }),
      /tiles.columns has a stride above its size/,
    ],
    [
      "a variant of unknown graphs",
      (m) => m.variants.push({ id: "int8", description: "", replaces: { "head.onnx": "none.onnx" } }),
      /variant int8 needs none.onnx/,
    ],
  ])("refuses %s", (_, change, sentence) => {
    expect(() => checkStructure(changed(change))).toThrow(sentence);
  });

  it("takes a decoder that gives a whole clip in one call", () => {
    const whole = changed((manifest) => {
      delete manifest.decoder.next;
      manifest.decoder.tiles = { frames: { size: 4, stride: 3 } };
    });
    expect(() => checkStructure(whole)).not.toThrow();
  });

  it("takes two experts whose noise levels meet", () => {
    const experts = changed((manifest, denoiser) => {
      denoiser.noise_levels = [0, 0.875];
      manifest.denoisers.push({ ...denoiser, id: "high", noise_levels: [0.875, 1] });
    });
    expect(() => checkStructure(experts)).not.toThrow();
  });
});
