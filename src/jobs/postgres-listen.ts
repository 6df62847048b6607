/** LISTEN on a connection of its own, made anew when it is lost. */

import pg from "pg";

const RETRY_MS = 1_000;

/**
 * Calls back for every notification on the channel. What is notified while the connection is down is missed: whoever
 * listens has to poll now and then as well.
 * @returns what ends it
 */
export async function listenPostgres(
  url: string,
  channel: string,
  onMessage: (payload: string) => void,
): Promise<() => Promise<void>> {
  let ended = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: url,
      application_name: "mixcache listener",
      keepAlive: true,
    });
    next.on("notification", ({ payload }) => onMessage(payload ?? ""));
    next.on("error", () => {});
    next.on("end", () => {
      if (client === next) later();
    });
    await next.connect();
    await next.query(`listen ${next.escapeIdentifier(channel)}`);
    client = next;
    if (ended) await next.end();
  }

  function later(): void {
    client = undefined;
    if (ended) return;
    timer = setTimeout(() => connect().catch(later), RETRY_MS);
    timer.unref();
  }

  // Also where the server is away just now: whoever listens polls as well, and need not fail for this.
  await connect().catch(later);
  return async () => {
    ended = true;
    clearTimeout(timer);
    await client?.end();
  };
}
