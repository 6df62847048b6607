/** Events in bulk, as settling a video writes them: rows of the outbox. */

import { makeIds } from "../../../src/jobs/index.ts";
import type { TestApi } from "../../support/api.ts";

/** Texts that signing has to survive. */
const TEXTS = [
  "a red circle",
  "ein roter Kreis, größer",
  "赤い円が左へ動く",
  "🔴 ⬅️ 🟦",
  '"quoted" \\ and \n lines',
  "\u2028",
];

/** One account's event, with a video that looks like one. @returns its id */
export async function happen(api: TestApi, accountId: string, number: number): Promise<string> {
  const [id = ""] = await happenAll(api, accountId, [number]);
  return id;
}

/** Many in one statement. @returns their ids */
export async function happenAll(
  api: TestApi,
  accountId: string,
  numbers: readonly number[],
): Promise<string[]> {
  const ids = makeIds({ cell: "a", now: () => api.now(), random: Math.random });
  const rows = numbers.map((number) => ({
    id: ids.event(),
    video_id: ids.video(),
    payload: payloadOf(number),
  }));
  await api.database.query(
    `insert into mixcache.outbox (id, video_id, account_id, type, payload, created_at)
     select id, video_id, $1, 'video.completed', payload, $3
     from jsonb_to_recordset($2::jsonb) as e (id text, video_id text, payload jsonb)`,
    [accountId, JSON.stringify(rows), new Date(api.now())],
  );
  return rows.map(({ id }) => id);
}

function payloadOf(number: number): object {
  const text = TEXTS[number % TEXTS.length] ?? "";
  return {
    object: "video",
    number,
    status: "completed",
    prompt: text.repeat(1 + (number % 97)),
    negative_prompt: number % 50 === 0 ? text.repeat(1_000) : "",
    metadata: { number: String(number) },
  };
}
