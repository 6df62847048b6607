/** `mixcache migrate | tick | backup | restore`: what an installation needs done. */

import { Command } from "commander";
import { readServerConfig } from "../config/index.ts";
import { createLog } from "../logging.ts";
import { backup, migrateDatabase, restore, tick } from "../service/index.ts";

const HELP = "\nIt reads the server's settings; docs/configuration.md lists them.";

export function migrateCommand(): Command {
  return new Command("migrate")
    .description("Bring the database's schema up to date, before the processes of a new version are started.")
    .addHelpText("after", HELP)
    .action(async () => {
      const config = readServerConfig();
      const applied = await migrateDatabase(config, createLog({ level: config.logLevel }));
      const did = applied.length > 0 ? `Applied ${applied.join(", ")}.` : "Nothing to do.";
      process.stdout.write(`${did}\n`);
    });
}

export function tickCommand(): Command {
  return new Command("tick")
    .description(
      "Mend what crashes left, start the workers that are missing, send webhooks; for once a minute.",
    )
    .addHelpText("after", `${HELP}\nLAUNCHER says where workers are started.`)
    .action(async () => {
      const config = readServerConfig();
      const { scale, started } = await tick(config, createLog({ level: config.logLevel }));
      const { desired, busy, idle, starting, queued } = scale;
      process.stdout.write(
        `${started} started; ${desired} wanted, ${busy} busy, ${idle} idle, ${starting} starting; ${queued} queued.\n`,
      );
    });
}

export function backupCommand(): Command {
  return new Command("backup")
    .description("Copy the database, and the keys that DATA_DIR has, into a folder; not the videos.")
    .argument("<folder>", "new, or empty")
    .addHelpText(
      "after",
      `${HELP}\nPostgreSQL may be in use and needs pg_dump; PGlite's server has to be stopped.`,
    )
    .action(async (folder: string) => {
      await backup(readServerConfig(), folder);
      process.stdout.write(`${folder} is whole. Keep it like the keys that are in it.\n`);
    });
}

export function restoreCommand(): Command {
  return new Command("restore")
    .description("Put a backup back, whole or not at all, while nothing of the installation is running.")
    .argument("<folder>", "what mixcache backup has made")
    .option("--force", "replace a database that is in use")
    .addHelpText("after", `${HELP}\nFor PostgreSQL it needs pg_restore and psql.`)
    .action(async (folder: string, { force = false }: { force?: boolean }) => {
      await restore(readServerConfig(), folder, force);
      process.stdout.write(`Restored from ${folder}. Run mixcache migrate before anything else.\n`);
    });
}
