import { expect, it } from "vitest";
import { keyInFragment } from "./key.ts";

it.each([
  ["#key=mx_a1", "#/"],
  ["#/?key=mx_a1", "#/"],
  ["#/history?key=mx_a1", "#/history"],
  ["#/?key=mx_a1&prompt=a", "#/?prompt=a"],
  ["#/?prompt=a&key=mx_a1", "#/?prompt=a"],
])("a key is taken out of %s", (hash, rest) => {
  expect(keyInFragment(hash)).toEqual({ key: "mx_a1", rest });
});

it.each(["", "#/", "#/?prompt=key=mx_", "#/?monkey=mx_a1"])("%s holds none", (hash) => {
  expect(keyInFragment(hash)).toBeUndefined();
});
