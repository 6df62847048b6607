/**
 * The judge: looks at the tables and the files afterwards with statements of its own, and knows none of the code that
 * wrote them.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Database } from "../../src/jobs/index.ts";

export interface Verdict {
  readonly videos: number;
  readonly acknowledged: number;
  readonly completed: number;
  /** Failed videos by their code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Attempts whose worker vanished. */
  readonly attemptsLost: number;
  /** Acknowledged ids that are missing or not terminal. */
  readonly lost: number;
  /** Videos with more than one settlement, or charged another sum than their row says. */
  readonly chargedTwice: number;
  /** Files that are missing or have another digest. */
  readonly wrongFiles: number;
  readonly files: number;
  /** The sum of every posting; the books are right where it is 0. */
  readonly ledgerSum: string;
  /** A sentence for everything that is wrong; none if all is well. */
  readonly faults: readonly string[];
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly error_code: string | null;
  readonly cost: string | null;
  readonly result: Readonly<Record<string, StoredFile>> | null;
  readonly attempt: number;
  readonly failures: readonly { readonly code: string }[];
  readonly hand_backs: number;
  readonly holds: number;
  readonly ends: number;
  readonly revenue: string;
  readonly live_jobs: number;
  readonly endings_told: number;
  readonly deleted: boolean;
  readonly purged: boolean;
}

interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

const VIDEOS = `
  select v.id, v.status, v.error_code, v.cost::text, v.result, v.attempt, v.failures, v.hand_backs,
    (select count(*)::integer from mixcache.ledger_entries e where e.video_id = v.id and e.kind = 'hold') as holds,
    (select count(*)::integer from mixcache.ledger_entries e where e.video_id = v.id and e.kind <> 'hold') as ends,
    (select coalesce(sum(e.revenue), 0)::text from mixcache.ledger_entries e where e.video_id = v.id) as revenue,
    (select count(*)::integer from pgboss.job j where j.name = 'video' and j.data->>'video_id' = v.id
      and j.state in ('created', 'retry', 'active')) as live_jobs,
    (select count(*)::integer from mixcache.outbox o where o.video_id = v.id and o.type <> 'video.started') as endings_told,
    v.deleted_at is not null as deleted, v.purged_at is not null as purged
  from mixcache.videos v order by v.id`;

const LEDGER_SUM = "select coalesce(sum(amount), 0)::text as sum from mixcache.postings";

const BOOKS = `
  select b.account_id from mixcache.balances b cross join lateral (
    select coalesce(sum(e.issued), 0) as issued, coalesce(sum(e.credit), 0) as credit, coalesce(sum(e.held), 0) as held,
      coalesce(sum(e.revenue), 0) as revenue
    from mixcache.ledger_entries e where e.account_id = b.account_id
  ) summed
  where b.issued <> summed.issued or b.credit <> summed.credit or b.held <> summed.held or b.revenue <> summed.revenue
  order by 1`;

const LINES = `
  select l.account_id from mixcache.lines l cross join lateral (
    select count(*) filter (where v.status = 'queued') as queued, count(*) filter (where v.status = 'in_progress') as running
    from mixcache.videos v where v.account_id = l.account_id
  ) counted
  where l.queued <> counted.queued or l.running <> counted.running
  order by 1`;

/** Videos whose events are not numbered from 1 to the last, which tells their end, with a start for each attempt. */
const EVENTS = `
  select v.id from mixcache.videos v cross join lateral (
    select count(*) as count, max(e.sequence) as newest,
      count(*) filter (where e.type = 'video.started') as starts,
      array_agg(e.sequence) filter (where e.type in ('video.completed', 'video.failed', 'video.cancelled')) as ends
    from mixcache.events e where e.video_id = v.id
  ) told
  where v.deleted_at is null and (told.count <> v.last_event or told.newest is distinct from v.last_event
    or told.starts <> v.attempt or told.ends is distinct from array[v.last_event])
  order by 1`;

/** Attempts that may fail before a video does. */
const ATTEMPTS = 3;
const FREE_HAND_BACKS = 10;

/** Judges what a drill left, which has to be at rest. */
export async function judge(
  database: Database,
  store: string,
  acknowledged: ReadonlySet<string>,
): Promise<Verdict> {
  const rows = await database.query<Row>(VIDEOS);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const faults: string[] = [];
  const terminal = (row: Row | undefined) => row?.status === "completed" || row?.status === "failed";
  const lost = [...acknowledged].filter((id) => !terminal(byId.get(id)));
  for (const id of lost) faults.push(`${id} was acknowledged and is ${byId.get(id)?.status ?? "missing"}.`);
  for (const row of rows.filter((one) => !terminal(one) && !acknowledged.has(one.id)))
    faults.push(`${row.id} is ${row.status}.`);
  const money = rows.filter((row) => terminal(row) && !isPaidOnce(row));
  for (const { id, holds, ends, revenue, cost } of money)
    faults.push(`${id} has ${holds} holds and ${ends} ends; charged ${revenue}, and its row says ${cost}.`);
  for (const row of rows) faults.push(...oddities(row));
  const kept = rows.filter(({ deleted }) => !deleted);
  faults.push(...rows.filter(({ deleted }) => deleted).flatMap((row) => leftovers(store, row)));
  const files = kept.flatMap((row) => Object.values(row.result ?? {}).map((file) => ({ row, file })));
  const wrong = files.filter(({ row, file }) => !isWhole(store, row, file));
  for (const { file } of wrong) faults.push(`${file.key} is not the file that was settled.`);
  const billed = kept.filter(({ status, cost }) => status === "completed" || (cost !== null && cost !== "0"));
  faults.push(...billed.flatMap((row) => billFaults(store, row)));
  const [{ sum: ledgerSum } = { sum: "" }] = await database.query<{ sum: string }>(LEDGER_SUM);
  if (ledgerSum !== "0") faults.push(`The ledger's postings sum to ${ledgerSum}.`);
  for (const { account_id } of await database.query<{ account_id: string }>(BOOKS))
    faults.push(`The books of ${account_id} are not the sum of its entries.`);
  for (const { account_id } of await database.query<{ account_id: string }>(LINES))
    faults.push(`The line of ${account_id} is not what is waiting and running.`);
  for (const { id } of await database.query<{ id: string }>(EVENTS))
    faults.push(`The events of ${id} are not what happened to it, one after the other.`);
  const failed = Object.groupBy(
    rows.filter(({ status }) => status === "failed"),
    (row) => row.error_code ?? "",
  );
  return {
    videos: rows.length,
    acknowledged: acknowledged.size,
    completed: rows.filter(({ status }) => status === "completed").length,
    failed: Object.fromEntries(Object.entries(failed).map(([code, of]) => [code, of?.length ?? 0])),
    attemptsLost: rows.flatMap(({ failures }) => failures).filter(({ code }) => code === "worker_lost")
      .length,
    lost: lost.length,
    chargedTwice: money.length,
    wrongFiles: wrong.length,
    files: files.length,
    ledgerSum,
    faults,
  };
}

function isPaidOnce({ holds, ends, revenue, cost }: Row): boolean {
  return holds === 1 && ends === 1 && revenue === cost;
}

function* oddities(row: Row): Generator<string> {
  const { id, status, error_code, cost, failures, hand_backs, attempt, live_jobs, endings_told } = row;
  const counted = failures.length;
  if (counted > ATTEMPTS) yield `${id} failed in ${counted} attempts.`;
  // Every take ended as a failure, a hand-back or the video's end.
  if (attempt > counted + Math.min(hand_backs, FREE_HAND_BACKS) + 1)
    yield `${id} was taken ${attempt} times.`;
  const free = error_code !== "cancelled" && error_code !== "deadline_exceeded";
  if (status === "failed" && free && cost !== "0") yield `${id} failed and was charged ${cost}.`;
  if (live_jobs > 0 && (status === "completed" || status === "failed")) yield `${id} is over and has a job.`;
  if (endings_told !== 1) yield `The end of ${id} was told ${endings_told} times.`;
}

/** Of a deleted video nothing is left, and that is known. */
function leftovers(store: string, { id, purged }: Row): string[] {
  const folder = path.join(store, "videos", id);
  const left = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const files = left.filter((entry) => entry.isFile()).map(({ name }) => name);
  if (files.length > 0) return [`${id} was deleted and has ${files.join(", ")} left.`];
  return purged ? [] : [`${id} was deleted, and its files wait to be removed.`];
}

function isWhole(store: string, { id }: Row, { key, bytes, sha256 }: StoredFile): boolean {
  const file = path.join(store, key);
  if (!key.startsWith(`videos/${id}/`) || !existsSync(file)) return false;
  const content = readFileSync(file);
  return content.length === bytes && createHash("sha256").update(content).digest("hex") === sha256;
}

interface RecordFile {
  readonly computed: Readonly<Record<string, readonly { readonly flops: number }[]>>;
}

/**
 * The bill made again from the stored record, in another way than the worker's: a micro for a million FLOPs. Whatever
 * was charged has one, a cancelled video too.
 */
function billFaults(store: string, { id, result, cost }: Row): string[] {
  const key = result?.trace?.key;
  if (key === undefined) return [`${id} has no record.`];
  const { computed } = JSON.parse(readFileSync(path.join(store, key), "utf8")) as RecordFile;
  let flops = 0n;
  for (const parts of Object.values(computed))
    for (const part of parts) flops += BigInt(Math.round(part.flops));
  const due = `${flops / 1_000_000n}`;
  return due === cost ? [] : [`${id} was charged ${cost}; its record comes to ${due}.`];
}
