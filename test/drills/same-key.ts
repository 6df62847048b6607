/** Many sends of one Idempotency-Key at once: one video each, and another request with the key is refused. */

import type { TestApi } from "../support/api.ts";

/** What was sent and what came of it. */
export interface SameKeyReport {
  readonly keys: number;
  readonly sends: number;
  /** Different ids in the answers. */
  readonly ids: number;
  /** Videos of the account in the database. */
  readonly videos: number;
  /** Sends whose answer is not 200 with the id that the key's other sends got. */
  readonly wrong: number;
  /** Other requests with a used key that were refused with 422. */
  readonly conflicts: number;
  readonly tookMs: number;
}

export interface SameKeyOptions {
  readonly keys: number;
  /** Of each key, at the same time. */
  readonly sends: number;
  /** Keys that are under way at a time. */
  readonly atOnce: number;
}

/** Sends over HTTP, with an account of its own. */
export async function sameKey(api: TestApi, { keys, sends, atOnce }: SameKeyOptions): Promise<SameKeyReport> {
  const { id: accountId, key } = await api.account({ unlimited: true });
  const post = async (name: string, prompt: string) => {
    const response = await fetch(`${api.origin}/v1/videos`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "idempotency-key": name },
      body: JSON.stringify({ prompt, cache: "off" }),
    });
    return { status: response.status, id: ((await response.json()) as { id?: string }).id };
  };
  const ids = new Set<string>();
  let wrong = 0;
  let conflicts = 0;
  const started = Date.now();
  const names = Array.from({ length: keys }, (_, at) => `key-${at}`)[Symbol.iterator]();
  const sender = async () => {
    for (const name of names) {
      const answers = await Promise.all(Array.from({ length: sends }, () => post(name, "a red circle")));
      const [first] = answers;
      if (first?.id !== undefined) ids.add(first.id);
      wrong += answers.filter(({ status, id }) => status !== 200 || id !== first?.id).length;
      const other = await post(name, "a blue square");
      conflicts += Number(other.status === 422);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
  const [row] = await api.database.query<{ count: number }>(
    "select count(*)::integer as count from mixcache.videos where account_id = $1",
    [accountId],
  );
  return {
    keys,
    sends: keys * sends,
    ids: ids.size,
    videos: row?.count ?? 0,
    wrong,
    conflicts,
    tookMs: Date.now() - started,
  };
}
