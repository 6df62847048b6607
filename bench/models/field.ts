/** Who takes part: every variant of the bundle on ONNX Runtime, the torch worker, and diffusers, which is last. */

import type { TorchTransport } from "../../src/engine/segments/torch-link.ts";
import {
  FolderFiles,
  OnnxBackend,
  openOnnxNode,
  readBundle,
  TorchBackend,
  torchWorker,
} from "../../src/node/index.ts";
import { TorchWorker } from "../../src/node/torch-worker.ts";
import type { Contestant } from "./contestant.ts";
import { ours } from "./ours.ts";
import { Reference } from "./reference.ts";

export interface Setup {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly weights: string;
  readonly bundle: string;
  readonly threads: number;
  /** For what crosses as files. */
  readonly work: string;
  readonly textTokens: number;
}

export interface Field {
  readonly contestants: Contestant[];
  readonly about: { readonly diffusers: string; readonly torch: string };
}

/** @param only names of variants, "onnx" and "torch"; everybody by default */
export async function openContestants(setup: Setup, only?: readonly string[]): Promise<Field> {
  const { python, env, weights, threads } = setup;
  const files = new FolderFiles(setup.bundle);
  const bundle = await readBundle(files);
  const { manifest } = bundle;
  const wanted = (name: string) => !only || only.includes(name);
  const contestants: Contestant[] = [];
  const runtime = await openOnnxNode(files, { threads });
  for (const variant of [undefined, ...manifest.variants.map(({ id }) => id)]) {
    if (!wanted(variant ?? "onnx")) continue;
    const name = `ONNX Runtime, ${variant ?? "float32"}`;
    contestants.push(ours(name, bundle, new OnnxBackend(manifest, runtime, variant), () => process.pid));
  }
  let torch = "";
  if (wanted("torch") && manifest.engines.includes("torch")) {
    let worker: TorchTransport | undefined;
    const connect = torchWorker({ python, weights, device: "cpu", dtype: "float32" }, threads);
    const backend = new TorchBackend(manifest, (listener) => {
      worker = connect(listener);
      return worker;
    });
    const ready = await backend.about();
    torch = `torch ${ready.torch} on ${ready.device_name || ready.device}, ${ready.dtype}`;
    const pid = () => (worker instanceof TorchWorker ? worker.pid : undefined);
    contestants.push(ours("torch worker, float32", bundle, backend, pid));
  }
  const reference = await Reference.start(python, env, weights, threads, setup.work, setup.textTokens);
  return { contestants: [...contestants, reference], about: { diffusers: reference.about, torch } };
}
