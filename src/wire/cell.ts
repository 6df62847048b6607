/** Cells: the installations behind one edge, each with a label that ids and keys carry. */

/** One lowercase letter or digit. */
export const CELL = /^[a-z0-9]$/;

/** What `CELL` is where nobody says, and the cell of keys that are older than labels in keys. */
export const DEFAULT_CELL = "a";

/** A cell and where it answers. Keys travel there, so none but this machine is spoken to without TLS. */
const PLACE = /^\s*([a-z0-9])=(https:\/\/[\w.:-]+|http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?)\s*$/;
/** What a list of cells has to be. */
export const CELLS_RULE = "it must be like a=https://eu.example.com,b=https://us.example.com";

/** Where each cell answers, by its label; undefined for what is no list of cells. */
export function cellsOf(text: string): ReadonlyMap<string, string> | undefined {
  const found = text.split(",").map((one) => PLACE.exec(one));
  const cells = new Map(found.map((one) => [one?.[1] ?? "", one?.[2] ?? ""]));
  return found.every((one) => one !== null) && cells.size === found.length ? cells : undefined;
}
