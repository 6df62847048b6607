import { expect, it } from "vitest";
import { bundleUrl, isBundleUrl, parseBundleUrl } from "./reference.ts";

const DIGEST = "0a".repeat(32);

it.each([
  ["s3://models", { url: "s3://models" }],
  ["s3://models/a/b/", { url: "s3://models/a/b" }],
  [`s3://my.models/a@sha256:${DIGEST}`, { url: "s3://my.models/a", digest: DIGEST }],
  [`file:///mnt/models@sha256:${DIGEST}`, { url: "file:///mnt/models", digest: DIGEST }],
])("%s", (text, reference) => {
  expect(isBundleUrl(text)).toBe(true);
  expect(parseBundleUrl(text, "BUNDLE")).toEqual(reference);
});

it("is written as it is read", () => {
  const reference = { url: "s3://models/a", digest: DIGEST };
  expect(parseBundleUrl(bundleUrl(reference), "BUNDLE")).toEqual(reference);
});

it.each([
  "s3://",
  "s3:///prefix",
  "s3://UPPER/x",
  "file://",
  "file://relative",
  "s3://models@latest",
  "s3://models@sha256:00",
  `s3://models@sha256:${DIGEST.toUpperCase()}`,
  `s3://models@sha256:${DIGEST}@x`,
  "s3://models/a b",
])("%s is refused by the name of who gave it", (text) => {
  expect(() => parseBundleUrl(text, "BUNDLE")).toThrow(
    expect.objectContaining({ code: "invalid_argument", field: "BUNDLE" }),
  );
});

it("a folder is no URL", () => {
  for (const folder of ["models/shapes", "/mnt/models", "C:\\models", "s3:/x"])
    expect(isBundleUrl(folder)).toBe(false);
});
