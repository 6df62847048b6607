/** Whoever meets a code finds it in the documentation. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ERROR_CODES } from "../../src/errors.ts";

const page = readFileSync("docs/failure-modes.md", "utf8");
const documented = [...page.matchAll(/^\| `([a-z_]+)`/gm)].map(([, code]) => code);
/** What only a video's own error says; they are no errors of a call. */
const OF_VIDEOS = ["cancelled", "deadline_exceeded", "worker_lost"];
/** What only HTTP answers say. */
const OF_ANSWERS = [
  "internal_error",
  "object_not_found",
  "range_not_satisfiable",
  "request_unreadable",
  "starting",
  "url_forbidden",
];

it("docs/failure-modes.md has every error code once, and no other", () => {
  expect(documented.toSorted()).toEqual([...ERROR_CODES, ...OF_VIDEOS, ...OF_ANSWERS].toSorted());
});
