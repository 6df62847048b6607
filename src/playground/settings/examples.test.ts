/** Guarantee: every example is made of words that the embedded model was trained with. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { EXAMPLES } from "./examples.ts";

const file = path.join(import.meta.dirname, "../../../models/shapes/tokenizer.json");
const { words } = JSON.parse(readFileSync(file, "utf8")) as { words: string[] };

it.each(EXAMPLES)("%s", (prompt) => {
  expect(prompt.split(" ").filter((word) => !words.includes(word))).toEqual([]);
});
