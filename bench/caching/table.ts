/** The tables of docs/caching.md, from the lab's reports. */

import type { Report } from "../../src/lab/index.ts";

type Row = Report["rows"][number];
type Difference = NonNullable<NonNullable<Report["comparisons"][number]["differences"]>["psnr"]>;

const QUALITY = ["psnr", "ssim", "haarpsi"] as const;
const DIGITS = { psnr: 2, ssim: 4, haarpsi: 4 } as const;

/** A Markdown table. */
function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function qualityOf(row: Row): string[] {
  return QUALITY.map((name) => row.metrics[name]?.mean.toFixed(DIGITS[name]) ?? "–");
}

/** "+2.10 [1.95, 2.25]", in bold where the interval excludes zero to the advantage of the policy in focus. */
function interval(name: (typeof QUALITY)[number], found: Difference | undefined): string {
  if (!found) return "–";
  const digits = DIGITS[name];
  const sign = found.mean < 0 ? "−" : "+";
  const number = (value: number) => value.toFixed(digits).replace("-", "−");
  const text = `${sign}${number(Math.abs(found.mean))} [${number(found.low)}, ${number(found.high)}]`;
  return found.low > 0 ? `**${text}**` : text;
}

const MEBIBYTE = 2 ** 20;

const HEAD = [
  "",
  "computed",
  "measured",
  "PSNR",
  "SSIM",
  "HaarPSI",
  "PSNR p10",
  "Δ PSNR",
  "Δ SSIM",
  "Δ HaarPSI",
  "cache MiB",
];

/** All contestants near one speedup, best first; what was asked for and can't be reached is said. */
export function speedTable(report: Report, target: number): string {
  const focus = report.rows.find((row) => row.family === report.focus && row.target === target);
  const unreachable = report.unreachable
    .filter((of) => of.target === target)
    .map((of) => `${of.family} (${of.range[0].toFixed(2)}× to ${of.range[1].toFixed(2)}×)`);
  const note = unreachable.length > 0 ? `\n\nNot reachable within 3 %: ${unreachable.join(", ")}.` : "";
  return `${markdown(HEAD, focus ? rowsNear(report, focus) : [])}${note}`;
}

/** Rivals that are at no target on the test prompts, each next to MixCache at the rival's speed. */
export function elsewhereTable(report: Report): string {
  const own = report.rows.filter((row) => row.family === report.focus);
  const compared = report.comparisons.filter(({ differences }) => differences);
  const atTargets = own.filter(({ target }) => target !== undefined).map(({ label }) => label);
  const shown = new Set(compared.filter(({ focus }) => atTargets.includes(focus)).map(({ rival }) => rival));
  const rows = own
    .filter(({ target }) => target === undefined)
    .toSorted((a, b) => a.speed.computed - b.speed.computed)
    .flatMap((focus) => {
      const near = rowsNear(report, focus, (rival) => !shown.has(rival.label));
      for (const { rival } of compared.filter((one) => one.focus === focus.label)) shown.add(rival);
      return near.length > 1 ? near : [];
    });
  return markdown(HEAD, rows);
}

/** The focus and the rivals that it is compared with, best first. */
function rowsNear(report: Report, focus: Row, wanted: (rival: Row) => boolean = () => true): string[][] {
  const compared = new Map(
    report.comparisons.filter((c) => c.focus === focus.label).map((c) => [c.rival, c.differences]),
  );
  return report.rows
    .filter((row) => row === focus || (compared.get(row.label) && wanted(row)))
    .toSorted((a, b) => (b.metrics.psnr?.mean ?? 0) - (a.metrics.psnr?.mean ?? 0))
    .map((row) => [
      row === focus ? `**${row.label}**` : row.label,
      `${row.speed.computed.toFixed(2)}×`,
      row.speed.real === undefined ? "–" : `${row.speed.real.toFixed(2)}×`,
      ...qualityOf(row),
      row.metrics.psnr?.p10.toFixed(2) ?? "–",
      ...(row === focus
        ? ["", "", ""]
        : QUALITY.map((name) => interval(name, compared.get(row.label)?.[name]))),
      (row.cache_bytes_peak / MEBIBYTE).toFixed(1),
    ]);
}

/** What MixCache itself costs and keeps, at each speed. */
export function ownTable(report: Report): string {
  const rows = report.rows
    .filter((row) => row.family === report.focus && row.target !== undefined)
    .toSorted((a, b) => (a.target ?? 0) - (b.target ?? 0))
    .map((row) => [
      `${row.target}×`,
      `${row.speed.computed.toFixed(3)}×`,
      row.speed.within_10_percent === undefined ? "–" : percent(row.speed.within_10_percent),
      row.speed.real === undefined ? "–" : `${row.speed.real.toFixed(2)}×`,
      row.speed.realised?.toFixed(3) ?? "–",
      percent(row.speed.controller_share, 2),
      ...adherenceOf(row, report),
    ]);
  const names = adherenceNames(report);
  return markdown(
    ["asked", "computed", "prompts within 10 %", "measured", "measured / computed", "controller", ...names],
    rows,
  );
}

function adherenceNames(report: Report): string[] {
  return Object.keys(report.rows[0]?.adherence ?? {}).map((name) => `${name} (change)`);
}

/** Shares of videos that show what the prompt says, and the change against the uncached ones in points. */
function adherenceOf(row: Row, report: Report): string[] {
  const before = report.rows[0]?.adherence ?? {};
  return Object.entries(row.adherence ?? {}).map(([name, value]) => {
    const change = 100 * (value - (before[name] ?? value));
    const sign = change < 0 ? "−" : "+";
    return `${percent(value, 1)} (${sign}${Math.abs(change).toFixed(1)})`;
  });
}

function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Parts removed or swapped, each against the whole. */
export function ablationTable(report: Report): string {
  const whole = report.rows.find((row) => row.family === report.focus);
  const compared = new Map(report.comparisons.map((c) => [c.rival, c.differences]));
  const rows = report.rows
    .filter((row) => row.family !== "off")
    .map((row) => {
      const difference = compared.get(row.label)?.psnr;
      const cost =
        difference &&
        `${(-difference.mean).toFixed(2).replace("-", "−")} [${(-difference.high).toFixed(2).replace("-", "−")}, ${(-difference.low).toFixed(2).replace("-", "−")}]`;
      return [
        row === whole ? `**${row.label}**` : row.label,
        `${row.speed.computed.toFixed(2)}×`,
        ...qualityOf(row),
        row.metrics.psnr?.p10.toFixed(2) ?? "–",
        row === whole ? "" : (cost ?? "other speed"),
      ];
    });
  return markdown(["", "computed", "PSNR", "SSIM", "HaarPSI", "PSNR p10", "Δ PSNR"], rows);
}
