/**
 * One graph on ONNX Runtime in Node, on a device of its choice. bench/gpu/main.py starts it:
 *
 *     node bench/gpu/segment.ts <folder with segment.onnx> <device> <dims of its inputs as JSON> <runs>
 *
 * Prints one line of JSON: seconds of the runs after the first.
 */

import path from "node:path";
import { Tensor } from "onnxruntime-common";
import { randn } from "../../src/engine/random.ts";
import { messageOf } from "../../src/errors.ts";
import { FolderFiles, type OnnxNodeOptions, openOnnxNode } from "../../src/node/index.ts";
import { median } from "../engine/stats.ts";

async function main(): Promise<void> {
  const [folder = "", device = "webgpu", dims = "{}", runs = "3"] = process.argv.slice(2);
  const options = { threads: 2, device: device as NonNullable<OnnxNodeOptions["device"]> };
  const runtime = await openOnnxNode(new FolderFiles(path.resolve(folder)), options);
  const session = await runtime.createSession("segment.onnx");
  const feeds = Object.fromEntries(
    Object.entries(JSON.parse(dims) as Record<string, number[]>).map(([name, sizes]) => [
      name,
      new Tensor("float32", randn(1, sizes), sizes),
    ]),
  );
  const seconds: number[] = [];
  let finite = true;
  for (let run = 0; run <= Number(runs); run++) {
    const started = performance.now();
    const outputs = await session.run(feeds);
    seconds.push((performance.now() - started) / 1000);
    for (const output of Object.values(outputs)) {
      finite &&= (output.data as Float32Array).every(Number.isFinite);
      output.dispose();
    }
  }
  await session.release();
  const counted = seconds.slice(1);
  process.stdout.write(`${JSON.stringify({ seconds: counted, median_seconds: median(counted), finite })}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench/gpu: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
