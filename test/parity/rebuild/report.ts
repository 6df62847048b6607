/** What the checks of a run found: a table, a line of counts, and the exit status. */

export interface Outcome {
  readonly status: "passed" | "failed" | "skipped";
  /** A person reads it: figures, or what is wrong and what to do. */
  readonly detail: string;
}

export interface Result extends Outcome {
  readonly check: string;
  readonly seconds: number;
}

export const passed = (detail: string): Outcome => ({ status: "passed", detail });
export const failed = (detail: string): Outcome => ({ status: "failed", detail });
export const skipped = (detail: string): Outcome => ({ status: "skipped", detail });

/** A line per check, those that failed last so that they stand beside the counts. */
export function summary(results: readonly Result[]): string {
  const order = { passed: 0, skipped: 1, failed: 2 };
  const lines = [...results]
    .sort((a, b) => order[a.status] - order[b.status])
    .map(({ check, status, seconds, detail }) => {
      const mark = status === "failed" ? "FAILED" : status;
      return `${mark.padEnd(7)}  ${check.padEnd(28)} ${seconds.toFixed(0).padStart(5)} s  ${detail.replaceAll("\n", "\n    ")}`;
    });
  const count = (status: Outcome["status"]) => results.filter((result) => result.status === status).length;
  return [
    ...lines,
    `parity: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`,
  ].join("\n");
}
