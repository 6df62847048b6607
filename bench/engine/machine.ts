/** What the figures were measured on. */

import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { env } from "onnxruntime-common";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  /** Processes that wanted a core in the last minute, before the benchmark. Above 0.5, other work was going on. */
  readonly load: number;
  readonly node: string;
  readonly onnxruntime: string;
  readonly platform: string;
}

/** To be called after ONNX Runtime has been opened: it tells its version when it is loaded. */
export function machine(load: number): Machine {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    load,
    node: process.version,
    onnxruntime: env.versions.node ?? env.versions.common,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** The load average of the last minute. */
export function loadNow(): number {
  return loadavg()[0] ?? 0;
}

export function describeMachine(facts: Machine): string {
  const busy = facts.load > 0.5 ? " (the machine was busy: compare ratios only)" : "";
  return [
    `${facts.date}, ${facts.platform}, ${facts.cores} cores of ${facts.cpu}, ${Math.round(facts.memoryBytes / 2 ** 30)} GiB`,
    `Node.js ${facts.node}, ONNX Runtime ${facts.onnxruntime}, load before ${facts.load.toFixed(2)}${busy}`,
  ].join("\n");
}
