/** The running server, as the commands that ask it see it. */

import type { Command } from "commander";
import { type ClientConfig, readClientConfig } from "../config/index.ts";
import { isErrorCode, MixcacheError, messageOf } from "../errors.ts";

/** What a command asks the server. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Beginning with a slash; parts that people gave are encoded. */
  readonly path: string;
  readonly body?: object;
  /** For which account the operator speaks. */
  readonly account?: string;
}

/** Asks the server that the environment names, and gives its answer. */
export type Ask = <Answer>(call: Call) => Promise<Answer>;

/** The options that every command of this kind has. */
export interface ServerOptions {
  readonly account?: string;
  readonly json?: boolean;
}

/** Adds them. */
export function withServerOptions(command: Command): Command {
  return command
    .option("--account <id>", "with the operator's key: the account that it is about")
    .option("--json", "print the server's answer");
}

/**
 * @throws MixcacheError the server's own refusal, `server_unreachable`, or `server_failed` for an answer that makes no sense
 */
export function asking(config: () => ClientConfig = readClientConfig, fetchFrom: typeof fetch = fetch): Ask {
  return async <Answer>(call: Call) => {
    const { url, key } = config();
    const response = await send(fetchFrom, url, key, call);
    const text = await response.text();
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer as Answer;
    throw refusal(response, answer, url);
  };
}

async function send(fetchFrom: typeof fetch, url: string, key: string, call: Call): Promise<Response> {
  const { method, path, body, account } = call;
  try {
    return await fetchFrom(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { "content-type": "application/json" }),
        ...(account !== undefined && { "mixcache-account": account }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause);
    throw new MixcacheError(
      "server_unreachable",
      `No server answers at ${url} (${reason}). Start one with mixcache serve, or set MIXCACHE_URL.`,
      { cause },
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the server said is wrong, in its own words. */
function refusal(response: Response, answer: unknown, url: string): MixcacheError {
  const id = response.headers.get("x-request-id");
  const error = memberOf(answer, "error");
  const [message, code, field] = ["message", "code", "param"].map((name) => memberOf(error, name));
  if (typeof message !== "string" || typeof code !== "string")
    return new MixcacheError(
      "server_failed",
      `What answers at ${url} is no mixcache server (status ${response.status}). Set MIXCACHE_URL.`,
    );
  const known = isErrorCode(code) && response.status < 500;
  return new MixcacheError(known ? code : "server_failed", known ? message : `${message} (request ${id})`, {
    ...(typeof field === "string" && { field }),
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Rows of texts as aligned columns. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Seconds since 1970 as a time in UTC; nothing for nothing. */
export function time(unixSeconds: number | null): string {
  return unixSeconds === null
    ? ""
    : new Date(unixSeconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** Prints an answer as JSON, or in words. */
export function print<Answer>(
  answer: Answer,
  { json }: ServerOptions,
  words: (answer: Answer) => string,
): void {
  process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : words(answer));
}

/** A part of a path that a person gave. */
export function part(text: string): string {
  return encodeURIComponent(text);
}
