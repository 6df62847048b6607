/** Small file systems for tests, where this user may mount them. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export class Disk {
  readonly folder = mkdtempSync(path.join(tmpdir(), "mixcache-disk-"));

  /** @param size as mount takes it, such as 64k */
  constructor(size: string) {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.folder], { stdio: "ignore" });
    } catch (error) {
      rmdirSync(this.folder);
      throw error;
    }
  }

  pathOf(file: string): string {
    return path.join(this.folder, file);
  }

  makeReadOnly(): void {
    execFileSync("mount", ["-o", "remount,ro", this.folder]);
  }

  remove(): void {
    execFileSync("umount", [this.folder]);
    rmdirSync(this.folder);
  }
}

/** Root in a container may still not be allowed to. */
export function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    new Disk("64k").remove();
    return true;
  } catch {
    return false;
  }
}
