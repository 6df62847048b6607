/** A small bundle that the torch engine accepts, and the double's command line for it. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EngineOptions } from "../../src/node/index.ts";
import { forTorch } from "./torch-double.ts";

const WAN = path.join(import.meta.dirname, "../fixtures/models/wan/bundle");
const DOUBLE = path.join(import.meta.dirname, "torch-double-main.ts");

export interface TorchBundle {
  readonly folder: string;
  /** Where a fault is written for the next worker that looks for one. */
  readonly fault: (name: string) => void;
  /** Options of an engine that runs it in the double. */
  readonly options: EngineOptions & Required<Pick<EngineOptions, "torch">>;
  readonly remove: () => void;
}

/** A copy of the tiny Wan bundle, run by the double through ONNX Runtime. */
export function torchBundle(): TorchBundle {
  const root = mkdtempSync(path.join(tmpdir(), "mixcache-torch-"));
  const folder = path.join(root, "bundle");
  cpSync(WAN, folder, { recursive: true });
  const manifest = path.join(folder, "model.json");
  writeFileSync(manifest, JSON.stringify(forTorch(JSON.parse(readFileSync(manifest, "utf8")))));
  const faultFile = path.join(root, "fault");
  const command = [process.execPath, DOUBLE, folder, faultFile];
  return {
    folder,
    fault: (name) => writeFileSync(faultFile, name),
    options: {
      bundle: folder,
      threads: 1,
      torch: {
        python: "python3",
        weights: folder,
        watch: { command, heartbeatMs: 100, hangTimeoutMs: 5000 },
      },
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
