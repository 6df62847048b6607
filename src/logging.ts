/**
 * Structured logs: JSON lines that hold neither prompts nor secrets. What may be in a line is a short list, not
 * whatever was at hand: of an error its code, where it was thrown, and its message only where we wrote it ourselves.
 */

import { createHash } from "node:crypto";
import { type DestinationStream, pino } from "pino";
import { MixcacheError } from "./errors.ts";

/** Where log lines go. Fields are ids, numbers and states; what was thrown goes in as `error`. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface LogOptions {
  readonly level: string;
  /** Default: standard error, written at once. */
  readonly destination?: DestinationStream;
}

/** Never written, wherever somebody puts them. */
const WITHHELD = [
  "prompt",
  "negative_prompt",
  "request",
  "body",
  "headers",
  "authorization",
  "secret",
  "key",
];

export function createLog({ level, destination }: LogOptions): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: shownError, err: shownError },
      redact: { paths: WITHHELD.flatMap((name) => [name, `*.${name}`]), censor: "[withheld]" },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

/**
 * What a log calls an account or a key: the beginning of its id's SHA-256. When the id is deleted everywhere else,
 * nothing leads from the lines to whose they were; as long as it isn't, `printf %s ID | sha256sum` finds them.
 */
export function pseudonym(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 12);
}

/** What a log says of something that was thrown. */
export function shownError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  return {
    name: error.name,
    ...(code !== undefined && { code }),
    ...(isOurs(error) && { message: error.message }),
    at: placesOf(error),
    ...(error.cause !== undefined && { cause: shownError(error.cause) }),
  };
}

/** The lines of a stack that name places; those before repeat the message, which may quote what it was about. */
function placesOf({ stack = "", message }: Error): string[] {
  const places = stack.slice(Math.max(0, stack.indexOf(message)) + message.length).split("\n");
  return places
    .filter((line) => /^ {4}at \S.*:\d+:\d+\)?$/.test(line))
    .slice(0, 8)
    .map((line) => line.trim());
}

/** Messages about input quote it, and those of libraries may quote anything; of the rest we know what is in them. */
function isOurs(error: Error): boolean {
  return error instanceof MixcacheError
    ? error.kind !== "input" && error.code !== "engine_failed"
    : "syscall" in error;
}
