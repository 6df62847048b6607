/** The results that a run keeps for its policy: newest first, a fixed number of each. */

import { MixcacheError } from "../../errors.ts";
import type { SegmentBackend, State } from "../segments/contract.ts";
import type { Branch, Kept, Part } from "./contract.ts";

/** A kept result: at latent size in TypeScript's memory, anything larger in the backend. */
export type Result = Float32Array | State;

/** Whether a part is of latent size, so that its results lie in TypeScript's memory. */
export function isHost(part: Part): part is Extract<Part, { kind: "output" | "guidance_delta" | "input" }> {
  return part.kind === "output" || part.kind === "guidance_delta" || part.kind === "input";
}

const BYTES = { float32: 4, float16: 2, int64: 8 } as const;

/** A name for a part of a branch. */
export function partKey(part: Part, branch: Branch): string {
  const range = "from" in part ? `${part.from}-${part.to}` : "";
  const modules = part.kind === "modules" ? part.modules.join("+") : "";
  return `${branch}/${part.kind}/${range}/${modules}`;
}

export class KeptResults {
  readonly #backend: SegmentBackend;
  readonly #results = new Map<string, Result[]>();
  #bytesPeak = 0;

  constructor(backend: SegmentBackend) {
    this.#backend = backend;
  }

  /** Takes ownership of a result and drops the oldest beyond `depth`. */
  keep(part: Part, branch: Branch, result: Result, depth: number): void {
    const key = partKey(part, branch);
    const results = [result, ...(this.#results.get(key) ?? [])];
    for (const old of results.splice(depth)) this.#free(old);
    this.#results.set(key, results);
    this.#bytesPeak = Math.max(this.#bytesPeak, this.#bytes());
  }

  /** The most bytes that were kept at one time. */
  get bytesPeak(): number {
    return this.#bytesPeak;
  }

  /** @throws MixcacheError `engine_failed` where the policy asks for what has not been computed yet. */
  get({ part, branch, age }: Kept): Result {
    const result = this.#results.get(partKey(part, branch))?.[age];
    if (!result) {
      throw new MixcacheError(
        "engine_failed",
        `The policy asks for ${partKey(part, branch)} of age ${age}, which is not kept.`,
      );
    }
    return result;
  }

  /** Forgets everything, as at a switch of experts. */
  clear(): void {
    for (const result of [...this.#results.values()].flat()) this.#free(result);
    this.#results.clear();
  }

  /** A tensor that is kept twice, as the latents are for two branches, counts once. */
  #bytes(): number {
    const results = new Set([...this.#results.values()].flat());
    return [...results].reduce((sum, result) => sum + bytesOf(result), 0);
  }

  #free(result: Result): void {
    if (!(result instanceof Float32Array)) this.#backend.release(result);
  }
}

function bytesOf(result: Result): number {
  if (result instanceof Float32Array) return result.byteLength;
  return Object.values(result).reduce(
    (sum, { dims, dtype }) => sum + dims.reduce((product, n) => product * n, BYTES[dtype]),
    0,
  );
}
