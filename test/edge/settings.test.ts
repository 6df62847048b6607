/** Guarantee: an edge that is told something wrong serves nobody, and says what is wrong to its log alone. */

import { afterEach, expect, it, vi } from "vitest";
import { createEdge } from "../../src/edge/router.ts";
import { cellsOf } from "../../src/wire/cell.ts";
import { someKey } from "./asked.ts";
import { SECRET } from "./cells.ts";

afterEach(() => void vi.restoreAllMocks());

const allowed = { limit: async () => ({ success: true }) };
const RIGHT = {
  CELLS: "a=https://eu.example.com",
  EDGE_SECRET: SECRET,
  FIRST_BYTE_SECONDS: "20",
  REQUESTS: allowed,
  UNKNOWN_KEYS: allowed,
};

it.each([
  ["CELLS", "a=http://plain.example.org"],
  ["EDGE_SECRET", "too-short-to-be-told"],
  ["FIRST_BYTE_SECONDS", "soon"],
])("a wrong %s", async (name, value) => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const headers = { authorization: `Bearer ${someKey("a")}` };
  const response = await createEdge().request("/v1/videos", { headers }, { ...RIGHT, [name]: value });
  expect(response.status).toBe(500);
  const body = await response.text();
  expect(body).toContain('"internal_error"');
  expect(body).not.toContain(name);
  expect(log).toHaveBeenCalledExactlyOnceWith(
    expect.stringMatching(new RegExp(`^${name} is not right; it must `)),
  );
  expect(log.mock.calls.join()).not.toContain(value);
});

it("cells are labels and places, spoken to over TLS unless they are on this machine", () => {
  expect(cellsOf("a=https://eu.example.com, b=http://127.0.0.1:8080")).toEqual(
    new Map([
      ["a", "https://eu.example.com"],
      ["b", "http://127.0.0.1:8080"],
    ]),
  );
  for (const wrong of [
    "",
    "a",
    "a=",
    "ab=https://x.example",
    "A=https://x.example",
    "a=http://x.example",
    "a=https://x.example/path",
    "a=https://user@x.example",
    "a=https://x.example,",
    "a=https://x.example,a=https://y.example",
    "a=http://localhost.example",
  ])
    expect(cellsOf(wrong)).toBeUndefined();
});
