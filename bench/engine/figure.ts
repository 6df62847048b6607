/** A figure of the benchmark, with the goal that it should meet. */

export interface Goal {
  readonly is: "at most" | "at least" | "below" | "within";
  readonly value: number;
}

export interface Figure {
  /** Stable, for comparing runs. */
  readonly id: string;
  readonly title: string;
  /** Undefined where it could not be measured; the note says why. */
  readonly value: number | undefined;
  /** "" for a ratio. */
  readonly unit: "" | "ms" | "s" | "MB";
  readonly goal?: Goal;
  /** The same from CPU times, for ratios: what a busy machine cannot spoil as much. */
  readonly byCpuTime?: number;
  /** How the value came about, for a person. */
  readonly note: string;
}

/** How much is measured. */
export interface Effort {
  /** Few repeats: proves that everything runs, gives no figures worth quoting. */
  readonly quick: boolean;
}

/** Whether a figure meets its goal; undefined without a goal or a value. `within` is a distance from 1. */
export function holds({ value, goal }: Figure): boolean | undefined {
  if (value === undefined || goal === undefined) return undefined;
  if (goal.is === "at most") return value <= goal.value;
  if (goal.is === "at least") return value >= goal.value;
  if (goal.is === "below") return value < goal.value;
  return Math.abs(value - 1) <= goal.value;
}

/** A line per figure. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.title,
    show(figure.value, figure.unit),
    figure.goal ? goalText(figure.goal, figure.unit) : "",
    { true: "holds", false: "MISSED", undefined: "" }[`${holds(figure)}`] ?? "",
    figure.byCpuTime === undefined ? "" : show(figure.byCpuTime, figure.unit),
    figure.note,
  ]);
  const all = [["figure", "value", "goal", "", "by CPU time", "how"], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function goalText({ is, value }: Goal, unit: Figure["unit"]): string {
  return is === "within" ? `1 ± ${value}` : `${is} ${value}${unit && ` ${unit}`}`;
}

function show(value: number | undefined, unit: Figure["unit"]): string {
  if (value === undefined) return "–";
  const digits = unit === "" ? 3 : unit === "MB" ? 0 : unit === "ms" && value >= 100 ? 0 : 2;
  return `${value.toFixed(digits)}${unit && ` ${unit}`}`;
}
