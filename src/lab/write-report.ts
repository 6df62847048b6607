/** Leaves an experiment's report beside its results. */

import { collect } from "./cells.ts";
import { pageOf } from "./page/page.ts";
import { stageOf } from "./page/stage.ts";
import type { Plan } from "./plan.ts";
import { type Report, reportOf } from "./report.ts";
import type { Store } from "./store.ts";

export type { Report };

export interface ReportOptions {
  /** The family whose differences to the others are shown. */
  readonly focus?: string;
  /** Also packs all results of the plan into one file, `results.jsonl.br`, which stands in for `runs/`. */
  readonly archive?: boolean;
}

/** Writes `report.json` and `index.html`. Nothing is run. */
export async function writeReport(plan: Plan, store: Store, options: ReportOptions = {}): Promise<Report> {
  const cells = await collect(plan, store);
  const report = reportOf(plan, cells, options.focus);
  await store.writeFile("report.json", `${JSON.stringify(report, null, 2)}\n`);
  await store.writeFile("index.html", pageOf(report, await stageOf(plan, report, cells, store)));
  if (options.archive) await store.archive([...cells.values()].flat().map(({ result }) => result));
  return report;
}
