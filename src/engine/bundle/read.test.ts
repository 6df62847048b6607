import { describe, expect, it } from "vitest";
import { MemoryFiles, toyBundle } from "../../../test/support/toy-bundle.ts";
import { readBundle } from "./read.ts";

describe("readBundle", () => {
  it("reads a bundle whose files are what its manifest says, and tells how far it is", async () => {
    const { files, manifest } = toyBundle();
    const progress: number[] = [];
    const bundle = await readBundle(files, (checked, total) => progress.push(checked / total));
    expect(bundle.manifest.id).toBe(manifest.id);
    expect(bundle.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(progress.at(-1)).toBe(1);
  });

  it("says where a bundle was looked for", async () => {
    await expect(readBundle(new MemoryFiles({}))).rejects.toMatchObject({
      code: "bundle_not_found",
      message: expect.stringContaining("memory"),
    });
  });

  it("names a file that is missing", async () => {
    const { files } = toyBundle();
    files.contents.delete("head.onnx");
    await expect(readBundle(files)).rejects.toMatchObject({
      code: "bundle_file_missing",
      message: expect.stringContaining("head.onnx"),
    });
  });

  it("names a file of which one byte has changed", async () => {
    const { files } = toyBundle();
    files.contents.set("weights.bin", new TextEncoder().encode("not the weights"));
    await expect(readBundle(files)).rejects.toMatchObject({
      code: "bundle_digest_mismatch",
      message: expect.stringContaining("weights.bin"),
    });
  });

  it.each([
    ["a newer format", '{"format":"mixcache.bundle/9"}', "bundle_format_unknown", "mixcache.bundle/9"],
    ["no format", "{}", "bundle_format_unknown", "undefined"],
    ["no object", "7", "bundle_format_unknown", "undefined"],
    ["half a manifest", '{"format":"mixca', "bundle_invalid", "not JSON"],
    ["a manifest without fields", '{"format":"mixcache.bundle/1"}', "bundle_invalid", "id"],
  ])("refuses %s", async (_, text, code, mentioned) => {
    const files = new MemoryFiles({ "model.json": text });
    await expect(readBundle(files)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(mentioned),
    });
  });

  it("names an unknown field, so that a typing error is not silently without effect", async () => {
    const { files, manifest } = toyBundle();
    files.contents.set(
      "model.json",
      new TextEncoder().encode(JSON.stringify({ ...manifest, shedulers: [] })),
    );
    await expect(readBundle(files)).rejects.toMatchObject({ message: expect.stringContaining("shedulers") });
  });

  it("refuses a path that leads out of the bundle", async () => {
    const { files, manifest } = toyBundle();
    const escaping = JSON.stringify(manifest).replaceAll("head.onnx", "../head.onnx");
    files.contents.set("model.json", new TextEncoder().encode(escaping));
    await expect(readBundle(files)).rejects.toMatchObject({ code: "bundle_invalid" });
  });
});
