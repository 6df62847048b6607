#!/usr/bin/env node
/** The command line: `mixcache generate | inspect | calibrate | bench`. */

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { MixcacheError, messageOf } from "../errors.ts";
import { benchCommand } from "./bench.ts";
import { billCommand } from "./bill.ts";
import { bundleCommand } from "./bundle.ts";
import { calibrateCommand } from "./calibrate.ts";
import { accountsCommand, creditCommand } from "./credit.ts";
import { EXIT } from "./exit-codes.ts";
import { generateCommand } from "./generate.ts";
import { inspectCommand } from "./inspect.ts";
import { jobsCommand } from "./jobs.ts";
import { keysCommand } from "./keys.ts";
import { backupCommand, migrateCommand, restoreCommand, tickCommand } from "./operate.ts";
import { withOption } from "./options.ts";
import { policiesCommand } from "./policies.ts";
import { presetsCommand } from "./presets.ts";
import { profileCommand } from "./profile.ts";
import { replayCommand } from "./replay.ts";
import { serveCommand, workerCommand } from "./serve.ts";
import { bucketCommand, sweepCommand } from "./storage.ts";

/** The whole command tree. */
export function program(): Command {
  const root = new Command("mixcache")
    .description("Text to video by diffusion transformers on ONNX Runtime.")
    .version(packageJson.version)
    .showHelpAfterError("(add --help for usage)")
    .enablePositionalOptions();
  for (const command of [
    serveCommand(),
    workerCommand(),
    migrateCommand(),
    tickCommand(),
    backupCommand(),
    restoreCommand(),
    generateCommand(),
    inspectCommand(),
    calibrateCommand(),
    benchCommand(),
    replayCommand(),
    billCommand(),
    policiesCommand(),
    presetsCommand(),
    profileCommand(),
    bundleCommand(),
    keysCommand(),
    accountsCommand(),
    creditCommand(),
    jobsCommand(),
    sweepCommand(),
    bucketCommand(),
  ])
    root.addCommand(command);
  inherit(root);
  return root;
}

/** Errors are thrown to `main` by commands at every depth. */
function inherit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inherit(child.copyInheritedSettings(command));
}

/** Runs a command line (without `node` and the script) and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...args], { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.input;
    if (error instanceof MixcacheError) {
      process.stderr.write(`mixcache: ${withOption(error)}\n`);
      return EXIT[error.kind];
    }
    process.stderr.write(
      `mixcache: ${messageOf(error)}\nThis is a fault of mixcache; please report it with this trace.\n`,
    );
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return EXIT.fault;
  }
}

/** What is said and nobody hears (`| head`) is no reason to stop; a result that stdout does not take is a failure. */
function bearClosedStreams(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    process.stderr.write(`mixcache: The result could not be written to stdout (${error.message}).\n`);
    process.exit(EXIT.output);
  });
}

const script = process.argv[1];
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) {
  bearClosedStreams();
  process.exitCode = await main(process.argv.slice(2));
}
