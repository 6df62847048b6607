/** `mixcache serve` and `mixcache worker`: a server process until somebody ends it, or there is nothing to do. */

import { Command } from "commander";
import { readServerConfig, type ServerConfig } from "../config/index.ts";
import { createLog } from "../logging.ts";
import { type ServiceOptions, startService } from "../service/index.ts";
import { EXIT } from "./exit-codes.ts";

/** Whoever asks a process to end, ends it after 10 s; nothing is lost then, but a video waits for its lease. */
const EXIT_MS = 9500;

const HELP = `
All settings are environment variables; docs/configuration.md lists them.
SIGTERM or Ctrl-C hands back the video that is being made and ends the process within 10 s; a second one ends it at once.`;

export function serveCommand(): Command {
  return new Command("serve")
    .description("Serve the API and make videos, or either alone, as ROLE says.")
    .addHelpText("after", HELP)
    .action(() => run(readServerConfig()));
}

export function workerCommand(): Command {
  return new Command("worker")
    .description("Make the videos that others ask for; needs DATABASE_URL.")
    .option("--drain", "end when there was nothing to do for as long as the start took")
    .addHelpText("after", HELP)
    .action(({ drain }: { drain?: boolean }) =>
      run(readServerConfig(undefined, "worker"), { ...(drain && { drain }) }),
    );
}

/** Serves until a signal comes, or the queue is drained. */
export async function run(
  config: ServerConfig,
  options: Pick<ServiceOptions, "drain" | "openEngine"> = {},
): Promise<void> {
  const log = createLog({ level: config.logLevel });
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++signals > 1) process.exit(EXIT.interrupted);
    setTimeout(() => process.exit(EXIT.interrupted), EXIT_MS).unref();
    signalled.resolve(signal);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  try {
    const service = await startService({ config, log, say, ...options });
    try {
      // A worker that never gets ready ends the process; one that does lets it live.
      const over = options.drain ? service.drained() : service.ready.then(() => signalled.promise);
      await Promise.race([signalled.promise, over]);
      say("Stopping");
    } finally {
      await service.close();
    }
    say("Stopped");
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
