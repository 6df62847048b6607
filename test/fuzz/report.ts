/** What a fuzz came to, in words and as a verdict. */

import type { FuzzCounts, Histogram } from "./protocol.ts";

export interface Conclusion {
  /** After the requests that were made by the document. */
  readonly documented: FuzzCounts;
  readonly requests: number;
  readonly rounds: number;
  /** Rounds in which an answer was not as the document says. */
  readonly mismatches: number;
  readonly byDocumentSeconds: number;
  readonly seconds: number;
  /** Hostile requests by status; 0: the connection was cut, -1: the client did not send it. */
  readonly raw: ReadonlyMap<number, number>;
  /** Of deletions of accounts. */
  readonly ended: ReadonlyMap<number, number>;
  /** After everything. */
  readonly all: FuzzCounts;
}

/** A fuzz whose requests are nearly all refused tests only the refusals. */
const LEAST_SUCCESSES = 0.2;

/** A line for each route, with how often it answered what. */
export function table(histogram: Histogram): string {
  const rows = Object.entries(histogram).sort(([a], [b]) => (routeOf(a) < routeOf(b) ? -1 : 1));
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, statuses]) => {
      const of = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
      return `${name.padEnd(width)}  ${of.join("  ")}\n`;
    })
    .join("");
}

function routeOf(name: string): string {
  const [method = "", route = ""] = name.split(" ");
  return `${route} ${method}`;
}

/** The figures, and whether they are what they have to be. */
export function conclusion(result: Conclusion): { readonly text: string; readonly passed: boolean } {
  const { requests, rounds, mismatches, documented, raw, ended, all } = result;
  const successes = countWhere(documented.histogram, (status) => status >= 200 && status < 300);
  // Without any by the document only the hostile ones are judged.
  const part = requests === 0 ? 1 : successes / requests;
  const { faults } = all;
  const sent = [...raw].reduce((sum, [status, count]) => (status === -1 ? sum : sum + count), 0);
  const cut = raw.get(0) ?? 0;
  const lines = [
    `${requests} requests by the document in ${rounds} rounds (${result.byDocumentSeconds.toFixed(0)} s): ${(100 * part).toFixed(1)} % answered with 2xx, ${mismatches} rounds with answers that the document doesn't have`,
    `${sent} hostile requests (${result.seconds.toFixed(0)} s in all): ${told(raw)}; ${cut} connections cut`,
    `deletions of accounts: ${told(ended)}`,
    `answers of 5xx: ${faults.length}`,
    ...faults,
  ];
  const passed = faults.length === 0 && mismatches === 0 && part >= LEAST_SUCCESSES && cut === 0;
  return { text: `${lines.join("\n")}\n${passed ? "passed" : "FAILED"}\n`, passed };
}

function countWhere(histogram: Histogram, fits: (status: number) => boolean): number {
  const all = Object.values(histogram).flatMap((of) => Object.entries(of));
  return all.reduce((sum, [status, count]) => (fits(Number(status)) ? sum + count : sum), 0);
}

function told(statuses: ReadonlyMap<number, number>): string {
  return [...statuses]
    .filter(([status]) => status > 0)
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status} ${count}`)
    .join(", ");
}
