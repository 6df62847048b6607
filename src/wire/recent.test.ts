import { expect, it } from "vitest";
import { Recent } from "./recent.ts";

it("is forgotten when its time is over, or when it is the oldest of too many", () => {
  const recent = new Recent<number>(2, 1000);
  recent.set("a", 1, 0);
  recent.set("b", 2, 500);
  expect([recent.get("a", 999), recent.get("a", 1000), recent.get("b", 1000)]).toEqual([1, undefined, 2]);
  recent.set("c", 3, 600);
  expect([recent.get("a", 700), recent.get("b", 700), recent.get("c", 700)]).toEqual([undefined, 2, 3]);
  recent.set("b", 4, 700);
  recent.set("d", 5, 700);
  expect([recent.get("b", 700), recent.get("c", 700), recent.get("d", 700)]).toEqual([4, undefined, 5]);
});
