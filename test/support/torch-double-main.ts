/**
 * The torch worker's double as a process: frames over stdin and stdout, and one fault on request.
 *
 *     node torch-double-main.ts <bundle folder> [<fault file>]
 *
 * The fault is what the file holds, and happens once: the file is removed before.
 */

import { existsSync, readFileSync, rmSync, writeSync } from "node:fs";
import { encodeFrame, FrameReader } from "../../src/engine/segments/torch-frames.ts";
import { FolderFiles } from "../../src/node/bundle-folder.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { type Send, TorchDouble } from "./torch-double.ts";

const [, , folder = "", faultFile = ""] = process.argv;

/** True once, where the file asks for this fault. */
function faultIs(name: string): boolean {
  if (!existsSync(faultFile) || readFileSync(faultFile, "utf8") !== name) return false;
  rmSync(faultFile);
  return true;
}

let silent = false;
const write = (bytes: Uint8Array) => {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
};

const send: Send = (message, payload) => {
  if (silent) return;
  const bytes = Buffer.concat(encodeFrame(message, payload));
  if (message.type === "graph") {
    if (faultIs("truncated")) {
      write(bytes.subarray(0, bytes.length - 5));
      process.exit(0);
    }
    if (faultIs("garbage")) write(Buffer.from("Loading checkpoint shards: 100%\n"));
    if (faultIs("silent")) silent = true;
    if (faultIs("exit")) {
      writeSync(2, "RuntimeError: the device is gone\n");
      process.exit(3);
    }
    if (faultIs("bad_alloc")) {
      writeSync(2, "terminate called after throwing an instance of 'std::bad_alloc'\n");
      process.abort();
    }
    if (faultIs("out of memory")) {
      const call = message.call;
      write(
        Buffer.concat(
          encodeFrame({ type: "failed", call, code: "engine_out_of_memory", message: "CUDA out of memory." }),
        ),
      );
      return;
    }
  }
  if (!silent) write(bytes);
};

if (faultIs("missing module")) {
  writeSync(2, "Traceback …\nModuleNotFoundError: No module named 'torch'\n");
  process.exit(1);
}
if (faultIs("never ready")) silent = true;
const runtime = await openOnnxNode(new FolderFiles(folder), { threads: 1 });
const double = new TorchDouble(runtime, send, faultIs("version") ? 2 : undefined);
const reader = new FrameReader();
process.stdin.on("data", (chunk: Buffer) => {
  for (const frame of reader.push(chunk)) double.receive(frame);
});
process.stdin.on("end", () => process.exit(0));
