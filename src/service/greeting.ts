/** What a server says to the person who starts it. */

import type { ServerConfig } from "../config/index.ts";
import { operatorKeyFile } from "./operator-key.ts";

/** A prompt that the embedded model draws well. */
const EXAMPLE = "a red circle moves left on a blue background";

/** Where everything is kept, and what that survives. */
export function databaseLine({
  databaseUrl,
  dataDir,
}: Pick<ServerConfig, "databaseUrl" | "dataDir">): string {
  if (databaseUrl === undefined)
    return `Database: PGlite in ${dataDir}. It survives kills, not power loss; for that, set DATABASE_URL to a PostgreSQL.`;
  const { hostname, pathname } = new URL(databaseUrl);
  return `Database: PostgreSQL, ${pathname.slice(1)} on ${hostname}.`;
}

/** What the greeting is about. */
export interface Greeted {
  /** How clients reach the API. */
  readonly url: string;
  /** Of the key that was made just now; undefined where it was made on an earlier start. */
  readonly secret: string | undefined;
  /** The oldest account, where there is one. */
  readonly accountId: string | undefined;
}

/** How to get a first video. */
export function greeting({ url, secret, accountId }: Greeted, config: ServerConfig): readonly string[] {
  const key =
    secret !== undefined
      ? [`API key, shown this once: ${secret}`]
      : ["The API key was shown on the first start. This makes another:", keyLine(url, accountId, config)];
  return [
    ...key,
    ...(config.playground ? [playgroundLine(url, secret)] : []),
    "A first video:",
    curlLine(url, secret ?? "$MIXCACHE_KEY"),
    `Documentation: ${url}/docs`,
  ];
}

/** The page, which takes the key out of its address: what follows `#` is sent to no server. */
function playgroundLine(url: string, secret: string | undefined): string {
  return `Playground: ${url}/${secret === undefined ? "" : `#key=${secret}`}`;
}

/** One line for a shell, which makes a key by the operator's and prints it. */
function keyLine(url: string, accountId: string | undefined, config: ServerConfig): string {
  const operator =
    config.operatorKey === undefined ? `$(cat "${operatorKeyFile(config.dataDir)}")` : "$OPERATOR_KEY";
  const account = accountId ?? "ACCOUNT";
  return `MIXCACHE_URL=${url} MIXCACHE_KEY=${operator} npm run -s mixcache -- keys create another --account ${account}`;
}

/** One line for a shell, which asks for a video, waits for it and saves it. */
export function curlLine(url: string, key: string): string {
  const header = `-H "Authorization: Bearer ${key}"`;
  // Until the video is there its content is a 409, which is no news: -s without -S says nothing of it.
  return (
    `ID=$(curl -sS ${header} -F prompt="${EXAMPLE}" ${url}/v1/videos | grep -o 'video_[[:alnum:]]*' | head -n 1) && [ -n "$ID" ] && ` +
    `curl -sfL ${header} --retry 300 --retry-delay 1 --retry-all-errors -o video.mp4 ${url}/v1/videos/$ID/content && ` +
    "echo video.mp4"
  );
}
