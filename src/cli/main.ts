#!/usr/bin/env node
/** The command line: `mixcache generate | inspect | calibrate | bench`. */

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { MixcacheError, messageOf } from "../errors.ts";
import { EXIT } from "./exit-codes.ts";
import { withOption } from "./options.ts";

/** Each command with its file: a line for one of them is not kept waiting for what the others need. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serveCommand(),
  worker: async () => (await import("./serve.ts")).workerCommand(),
  migrate: async () => (await import("./operate.ts")).migrateCommand(),
  tick: async () => (await import("./operate.ts")).tickCommand(),
  backup: async () => (await import("./operate.ts")).backupCommand(),
  restore: async () => (await import("./operate.ts")).restoreCommand(),
  generate: async () => (await import("./generate.ts")).generateCommand(),
  inspect: async () => (await import("./inspect.ts")).inspectCommand(),
  calibrate: async () => (await import("./calibrate.ts")).calibrateCommand(),
  bench: async () => (await import("./bench.ts")).benchCommand(),
  replay: async () => (await import("./replay.ts")).replayCommand(),
  bill: async () => (await import("./bill.ts")).billCommand(),
  policies: async () => (await import("./policies.ts")).policiesCommand(),
  presets: async () => (await import("./presets.ts")).presetsCommand(),
  profile: async () => (await import("./profile.ts")).profileCommand(),
  bundle: async () => (await import("./bundle.ts")).bundleCommand(),
  keys: async () => (await import("./keys.ts")).keysCommand(),
  accounts: async () => (await import("./credit.ts")).accountsCommand(),
  credit: async () => (await import("./credit.ts")).creditCommand(),
  jobs: async () => (await import("./jobs.ts")).jobsCommand(),
  sweep: async () => (await import("./storage.ts")).sweepCommand(),
  bucket: async () => (await import("./storage.ts")).bucketCommand(),
};

/** The command tree: with the one command that is named first, or with all of them. */
export async function program(name?: string): Promise<Command> {
  const root = new Command("mixcache")
    .description("Text to video by diffusion transformers on ONNX Runtime.")
    .version(packageJson.version)
    .showHelpAfterError("(add --help for usage)")
    .enablePositionalOptions();
  const named = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  for (const load of named ? [named] : Object.values(COMMANDS)) root.addCommand(await load());
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
    await (await program(args[0])).parseAsync([...args], { from: "user" });
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
