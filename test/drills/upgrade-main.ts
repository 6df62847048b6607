/**
 *     npm run drill:upgrade [-- --videos 20]
 *
 * An installation of the commit before the schema's last step is upgraded while videos are asked for and made: old API
 * and old worker, then `mixcache migrate`, then the new API beside the old worker, then both workers.
 */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { openInstallation } from "./installation.ts";
import { BEFORE, checkOut, isHere, tidyUp, upgrade } from "./upgrade.ts";

const { values } = parseArgs({ options: { videos: { type: "string", default: "20" } } });
const say = (line: string) => process.stdout.write(`${line}\n`);

if (isHere(BEFORE)) {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-before-"));
  const installation = await openInstallation();
  try {
    const old = checkOut(BEFORE, path.join(folder, BEFORE));
    const report = await upgrade(installation, old, { videos: Number(values.videos), everyMs: 300 });
    const { migrated, migrateMs, requests, errors, lost, completed, videos, burnt, oldMadeOfNew, faults } =
      report;
    say(
      `from ${BEFORE} on PostgreSQL ${installation.postgres.version}, mixcache migrate: ${migrated} (${(migrateMs / 1000).toFixed(1)} s)`,
    );
    say(
      `${requests} requests, ${errors.length} errors; ${completed} of ${videos} videos completed, ${lost} lost, ` +
        `${burnt} attempts burnt; the old worker made ${oldMadeOfNew} that the new API was asked for`,
    );
    for (const line of [...errors.slice(0, 10), ...faults]) say(line);
    const isWell = errors.length + faults.length + lost + burnt === 0 && completed === videos;
    process.exitCode = isWell && oldMadeOfNew > 0 ? 0 : 1;
  } finally {
    await installation.close();
    tidyUp(folder);
  }
} else {
  say(`NOT DONE: the drill needs the commit ${BEFORE}, which this clone has not. Run git fetch --unshallow.`);
}
