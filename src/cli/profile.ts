/** `mixcache profile`: warm cache profiles between this machine and the server's store. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { Command } from "commander";
import { readServerConfig } from "../config/index.ts";
import { invalid } from "../errors.ts";
import { type ListedProfile, listProfiles, pullProfile, pullUsed, pushProfile } from "../node/index.ts";
import { openStore } from "../service/index.ts";
import { systemTimers } from "../worker/index.ts";
import { columns, time } from "./server.ts";

const HELP = `
The store is that of the server's settings (docs/configuration.md); the folder is PROFILES.`;

export function profileCommand(): Command {
  const profile = new Command("profile").description(
    "Share warm cache profiles through the server's store: workers that start cold find them there.",
  );
  profile
    .command("push")
    .description("Put profiles into the store.")
    .argument("[files...]", "what mixcache calibrate wrote (default: every profile in PROFILES)")
    .addHelpText("after", HELP)
    .action(push);
  profile
    .command("pull")
    .description("Bring profiles into PROFILES.")
    .argument("[bundle]", "the beginning of a bundle's digest (default: of every bundle)")
    .option("--force", "replace other profiles of the same settings")
    .option("--digest <sha256>", "only the one that a video's trace names; needs --output")
    .option("-o, --output <file>", "where it is written to")
    .addHelpText("after", HELP)
    .action(pull);
  profile
    .command("list")
    .description("List what is in the store.")
    .argument("[bundle]", "the beginning of a bundle's digest (default: of every bundle)")
    .option("--json", "print the list as JSON")
    .addHelpText("after", HELP)
    .action(list);
  return profile;
}

/** Nobody is given a URL by these commands. */
const NO_URL = "http://localhost";

async function push(files: readonly string[]): Promise<void> {
  const config = readServerConfig();
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined)
    invalid("files", `${missing} does not exist. Give files that mixcache calibrate wrote.`);
  const { store } = await openStore(config, NO_URL);
  const all = files.length > 0 ? files : await profilesIn(config.engine.profiles);
  if (all.length === 0)
    invalid("files", `There is no profile in ${config.engine.profiles}. Make one with mixcache calibrate.`);
  for (const file of all) {
    const { key, changed } = await pushProfile(file, { store, timing: systemTimers, random: Math.random });
    process.stdout.write(`${key}${changed ? "" : " (was there already)"}\n`);
  }
}

/** `<bundle digest>/<settings>.json`; what else lies there is no profile. */
async function profilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
  return names
    .filter((name) => /^[0-9a-f]{64}[/\\][^/\\]+\.json$/.test(name) && path.basename(name) !== "presets.json")
    .sort()
    .map((name) => path.join(folder, name));
}

interface PullOptions {
  readonly force?: boolean;
  readonly digest?: string;
  readonly output?: string;
}

async function pull(bundle: string | undefined, options: PullOptions): Promise<void> {
  const { force = false, digest, output } = options;
  const config = readServerConfig();
  if (digest !== undefined && !/^[0-9a-f]{64}$/.test(digest))
    invalid("digest", `--digest is “${digest}”; it must be 64 hexadecimal digits, as the trace has them.`);
  if ((digest === undefined) !== (output === undefined))
    invalid("output", "--digest and --output go together: say which profile, and where it is written to.");
  const { store } = await openStore(config, NO_URL);
  if (digest !== undefined && output !== undefined) {
    await pullUsed(store, digest, output);
    process.stdout.write(`${output}\n`);
    return;
  }
  const said = {
    written: "",
    same: " (was there already)",
    kept: " (another one is there; --force replaces it)",
  };
  for (const one of await listProfiles(store, bundle)) {
    const { file, outcome } = await pullProfile(store, one, config.engine.profiles, force);
    process.stdout.write(`${file}${said[outcome]}\n`);
  }
}

async function list(bundle: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  const { store } = await openStore(readServerConfig(), NO_URL);
  const found = await listProfiles(store, bundle);
  process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : columns([HEAD, ...found.map(row)]));
}

const HEAD = ["bundle", "settings", "bytes", "modified", "videos observed"];

function row({ bundle, settings, bytes, modifiedAt, observedRuns = 0 }: ListedProfile): string[] {
  const modified = time(Math.floor(modifiedAt.getTime() / 1000));
  return [bundle.slice(0, 12), settings, String(bytes), modified, String(observedRuns)];
}
