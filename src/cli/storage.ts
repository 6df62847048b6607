/** `mixcache sweep` and `mixcache bucket`: the store of videos, for whoever runs the service. */

import { Command } from "commander";
import { readServerConfig } from "../config/index.ts";
import { invalid, MixcacheError } from "../errors.ts";
import { createLog } from "../logging.ts";
import { sweepStore } from "../service/index.ts";
import { setUpBucket } from "../storage/index.ts";
import type { OrphansSwept } from "../worker/index.ts";

interface SweepFlags {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function sweepCommand(): Command {
  return new Command("sweep")
    .description("Delete files that no video has and that are older than ORPHAN_WINDOW_DAYS.")
    .option("--dry-run", "list what would be deleted, and delete nothing")
    .option("--force", "delete more than one file in a hundred")
    .option("--json", "print the figures as JSON")
    .addHelpText("after", "\nIt reads the server's settings; an embedded database must not be in use.")
    .action(async ({ dryRun, force, json }: SweepFlags) => {
      const config = readServerConfig();
      const log = createLog({ level: config.logLevel });
      const swept = await sweepStore(config, log, {
        ...(dryRun && { dryRun }),
        ...(force && { force }),
        ...(dryRun && !json && { onOrphan: (key) => process.stdout.write(`${key}\n`) }),
      });
      process.stdout.write(json ? `${JSON.stringify(swept)}\n` : sentence(swept, dryRun ?? false));
    });
}

function sentence(
  { files, orphans, young, deleted, deletedBytes, left }: OrphansSwept,
  dryRun: boolean,
): string {
  const did = `${deleted} ${dryRun ? "would be deleted" : "deleted"} (${(deletedBytes / 1e6).toFixed(1)} MB)`;
  const rest = left > 0 ? `; ${left} are left, since a run deletes one file in a hundred (--force: all)` : "";
  return `${files} files, ${orphans} of them of no video: ${young} too young to delete, ${did}${rest}.\n`;
}

export function bucketCommand(): Command {
  const bucket = new Command("bucket").description("The bucket of the videos, S3_BUCKET.");
  bucket
    .command("setup")
    .description(
      "Give it its rules: pages that may read it (CORS), and what it tidies up itself (lifecycle).",
    )
    .option("--origin <url...>", "pages that may read videos; * for all", ["*"])
    .option("--dry-run", "say what would change, and change nothing")
    .action(async ({ origin, dryRun }: { origin: string[]; dryRun?: boolean }) => {
      const { s3 } = readServerConfig();
      if (!s3) throw new MixcacheError("invalid_argument", "S3_BUCKET is not set, so there is no bucket.");
      for (const one of origin) checkOrigin(one);
      const change = await setUpBucket(s3, { origins: origin, ...(dryRun && { dryRun }) });
      const said = (isChanged: boolean) =>
        isChanged ? (dryRun ? "would change" : "set") : "as it should be";
      process.stdout.write(`CORS: ${said(change.cors)}. Lifecycle: ${said(change.lifecycle)}.\n`);
    });
  return bucket;
}

function checkOrigin(text: string): void {
  if (text === "*" || (URL.canParse(text) && new URL(text).origin === text)) return;
  invalid("origin", `--origin is “${text}”; it must be like https://app.example.com, without a path, or *.`);
}
