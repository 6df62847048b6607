/** Makes a fixture anew from PyTorch and compares it with the committed one. */

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { run } from "../../../scripts/python/process.ts";
import { type Fixture, ROOT } from "./fixtures.ts";
import { failed, type Outcome, passed } from "./report.ts";

/** What python/parity/compare.py says. */
interface Comparison {
  readonly identical: boolean;
  readonly files: number;
  readonly differences: readonly {
    readonly file: string;
    readonly what: string;
    readonly largest: number;
    readonly tolerance: number;
  }[];
  readonly failures: readonly string[];
}

export interface Tools {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  readonly quiet: boolean;
}

/** A minute or two, but a busy machine takes ten times as long. */
const TIMEOUT_MS = 60 * 60_000;

/** Where a run puts what it makes: `fixtures/wan`, and the diffusers folder that it was made from, `weights/wan`. */
export class Scratch {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get fixtures(): string {
    return path.join(this.folder, "fixtures");
  }

  get weights(): string {
    return path.join(this.folder, "weights");
  }
}

export async function rebuild(tools: Tools, fixture: Fixture, scratch: Scratch): Promise<Outcome> {
  const { python, env, quiet } = tools;
  if (fixture.script === undefined) {
    return failed(
      `No script of python/parity makes it: name one after the fixture, with underscores for hyphens and without dots.`,
    );
  }
  const models = fixture.kind === "model";
  const into = models ? scratch.fixtures : scratch.folder;
  await mkdir(into, { recursive: true });
  const output = path.join(into, path.basename(fixture.committed));
  const weights = models ? ["--folder", path.join(scratch.weights, fixture.name)] : [];
  const made = await run(python, [fixture.script, "--output", output, ...weights], {
    cwd: ROOT,
    env,
    quiet,
    timeoutMs: TIMEOUT_MS,
  });
  if (made.code !== 0)
    return failed(`${fixture.script} ended with ${made.code ?? "a signal"}:\n${made.tail}`);
  const compared = await run(python, ["python/parity/compare.py", fixture.committed, output], {
    cwd: ROOT,
    env,
    quiet: true,
    timeoutMs: TIMEOUT_MS,
  });
  if (compared.code !== 0) return failed(`The comparison failed:\n${compared.tail}`);
  return judge(JSON.parse(compared.stdout));
}

/** Byte-identical, or within tolerance with the widest difference named, or what is wrong. */
export function judge({ identical, files, differences, failures }: Comparison): Outcome {
  const many = `${files} file${files === 1 ? "" : "s"}`;
  if (failures.length > 0) return failed(failures.join("\n"));
  if (identical) return passed(`${many}, byte for byte`);
  const [widest] = [...differences].sort((a, b) => b.largest / b.tolerance - a.largest / a.tolerance);
  if (!widest) return passed(`${many}, the same numbers in other bytes`);
  return passed(
    `${many}, not the same bytes but within tolerance: ${differences.length} differ, the most ${widest.what} ` +
      `of ${widest.file} by ${widest.largest.toExponential(1)} (${widest.tolerance.toExponential(0)} allowed)`,
  );
}
