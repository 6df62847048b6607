import { execFileSync } from "node:child_process";
import * as nodeFs from "node:fs";
import * as fsPromises from "node:fs/promises";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { rejectionOf } from "./testing.ts";
import { assertWritable, type FileSystem, writeFileAtomically } from "./write.ts";

const BYTES = Uint8Array.from([1, 2, 3]);

/** A 64 KiB file system, or undefined where one may not be mounted. */
function mountTinyDisk(): string | undefined {
  const folder = nodeFs.mkdtempSync(join(tmpdir(), "mixcache-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    return folder;
  } catch {
    nodeFs.rmdirSync(folder);
    return undefined;
  }
}

const tinyDisk = process.getuid?.() === 0 ? mountTinyDisk() : undefined;

afterAll(() => {
  if (tinyDisk === undefined) return;
  execFileSync("umount", [tinyDisk]);
  nodeFs.rmdirSync(tinyDisk);
});

/** The real file system, with one call failing by `code`. */
function failing(call: "open" | "sync" | "rename", code: string): FileSystem {
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }));
  if (call !== "sync") return { ...fsPromises, [call]: fail };
  const open: FileSystem["open"] = async (...parameters) => {
    const file = await fsPromises.open(...parameters);
    file.sync = fail;
    return file;
  };
  return { ...fsPromises, open };
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mixcache-write-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeFileAtomically", () => {
  it("writes the bytes, replaces a file that is there and leaves nothing else behind", async () => {
    const path = join(folder, "video.mp4");
    await writeFileAtomically(path, Uint8Array.from([9]));
    await writeFileAtomically(path, BYTES);
    expect(new Uint8Array(await readFile(path))).toEqual(BYTES);
    expect(await readdir(folder)).toEqual(["video.mp4"]);
  });

  it.each([
    ["open", "ENOSPC", "output_disk_full", /no space left/],
    ["sync", "ENOSPC", "output_disk_full", /no space left/],
    ["sync", "EDQUOT", "output_disk_full", /no space left/],
    ["open", "EACCES", "output_unwritable", /may not be written; allow writing in/],
    ["open", "EROFS", "output_unwritable", /read-only file system/],
    ["rename", "EISDIR", "output_unwritable", /is a folder/],
    ["sync", "EIO", "output_unwritable", /EIO: injected/],
  ] as const)(
    "when %s fails with %s: keeps the old file, removes the temporary one, says %s",
    async (call, code, expectedCode, message) => {
      const path = join(folder, "video.mp4");
      await writeFile(path, "old");
      const error = await rejectionOf(writeFileAtomically(path, BYTES, failing(call, code)));
      expect(error).toMatchObject({ code: expectedCode, cause: { code } });
      expect(String(error)).toMatch(message);
      expect(String(error)).toContain(path);
      expect(await readdir(folder)).toEqual(["video.mp4"]);
      expect(await readFile(path, "utf8")).toBe("old");
    },
  );

  it.skipIf(tinyDisk === undefined)(
    "says so when a real disk is full, and leaves no part of the file (needs root, to mount a 64 KiB tmpfs)",
    async () => {
      const path = join(tinyDisk ?? "", "video.mp4");
      const error = await rejectionOf(writeFileAtomically(path, new Uint8Array(200_000)));
      expect(error).toMatchObject({ code: "output_disk_full" });
      expect(await readdir(tinyDisk ?? "")).toEqual([]);
    },
  );
});

describe("assertWritable", () => {
  it("accepts a writable place, leaves no trace and no change", async () => {
    const path = join(folder, "video.mp4");
    await assertWritable(path);
    expect(await readdir(folder)).toEqual([]);
    await writeFile(path, "old");
    await assertWritable(path);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it.skipIf(tinyDisk === undefined)(
    "notices a full disk before the work (needs root, to mount a 64 KiB tmpfs)",
    async () => {
      const filler = join(tinyDisk ?? "", "filler");
      await writeFile(filler, new Uint8Array(65_536)).catch(() => undefined);
      const error = await rejectionOf(assertWritable(join(tinyDisk ?? "", "video.mp4")));
      expect(error).toMatchObject({ code: "output_disk_full" });
      expect(await readdir(tinyDisk ?? "")).toEqual(["filler"]);
      await rm(filler);
    },
  );
});

describe.each([
  ["writeFileAtomically", (path: string) => writeFileAtomically(path, BYTES)],
  ["assertWritable", (path: string) => assertWritable(path)],
])("%s refuses", (_, check) => {
  async function expectUnwritable(path: string, message: RegExp) {
    const error = await rejectionOf(check(path));
    expect(error).toMatchObject({ code: "output_unwritable" });
    expect(String(error)).toMatch(message);
  }

  it("a folder that does not exist, and names it", () =>
    expectUnwritable(join(folder, "no", "video.mp4"), /create .*no, or choose/));

  it("a path that is a folder, and proposes a file in it", async () => {
    await mkdir(join(folder, "out"));
    await expectUnwritable(join(folder, "out"), /is a folder; name a file in it, such as .*out.video\.mp4/);
  });

  it("a path that ends like a folder", () =>
    expectUnwritable(join(folder, "video.mp4/"), /does not exist|folder/));

  it("a path through a file", async () => {
    await writeFile(join(folder, "file"), "");
    await expectUnwritable(join(folder, "file", "video.mp4"), /is a file and no folder/);
  });

  it("an empty path", () => expectUnwritable("", /is empty/));

  it("a name that is too long", () => expectUnwritable(join(folder, "x".repeat(300)), /too long/));

  it.skipIf(process.platform === "win32")(
    "a device or pipe, which renaming would destroy (needs mkfifo)",
    async () => {
      const pipe = join(folder, "pipe");
      execFileSync("mkfifo", [pipe]);
      await expectUnwritable(pipe, /no regular file/);
      expect(nodeFs.statSync(pipe).isFIFO()).toBe(true);
    },
  );

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")(
    "a folder without write permission (needs a user other than root)",
    async () => {
      nodeFs.chmodSync(folder, 0o500);
      await expectUnwritable(join(folder, "video.mp4"), /may not be written/);
      nodeFs.chmodSync(folder, 0o700);
    },
  );
});
