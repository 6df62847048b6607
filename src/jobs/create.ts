/**
 * New videos: idempotency record, hold, row and job, all or nothing. Those that are asked for at the same time are made
 * in one transaction, which decides on each by itself, in the order of asking.
 */

import { MixcacheError } from "../errors.ts";
import { noVideo } from "../wire/video-id.ts";
import { atOnce } from "./at-once.ts";
import { type Core, timeOf } from "./core.ts";
import type { Sql } from "./database-contract.ts";
import { Earlier } from "./earlier.ts";
import { Gather } from "./gather.ts";
import { Lines, type Patience } from "./lines.ts";
import { priorityOf } from "./queue.ts";
import { type RawVideo, type Video, videoOf } from "./rows.ts";
import { Caps } from "./spend-cap.ts";
import { INSERT_VIDEOS, READ_VIDEOS } from "./sql/videos.ts";
import type { Created, CreateVideo } from "./video-contract.ts";

/** What became of a wish. */
type Verdict = Created | { readonly refused: unknown };
type Verdicts = ReadonlyMap<CreateVideo, Verdict>;

/** See `Jobs.create`. */
export function creator(core: Core): (wish: CreateVideo) => Promise<Created> {
  const gather = new Gather<CreateVideo, Verdict>((wishes) => together(core, wishes));
  return async (wish) => {
    // The same object may be asked for twice, and is two wishes.
    const verdict = await gather.ask({ ...wish });
    if ("refused" in verdict) throw verdict.refused;
    return verdict;
  };
}

/** An account whose line somebody else has keeps nobody waiting but its own. */
async function together(core: Core, wishes: readonly CreateVideo[]) {
  const free = await decide(core, wishes, "free");
  const busy = Map.groupBy(
    wishes.filter((wish) => !free.has(wish)),
    ({ accountId }) => accountId,
  );
  const waiting = new Map([...busy].map(([id, own]) => [id, decide(core, own, "all")]));
  return wishes.map((wish) => free.get(wish) ?? verdictOf(wish, waiting.get(wish.accountId)));
}

async function verdictOf(wish: CreateVideo, verdicts: Promise<Verdicts> | undefined): Promise<Verdict> {
  return (await verdicts)?.get(wish) ?? { refused: noVideo(wish.accountId) };
}

/** One transaction for all of them; where one spoils it, one for each. */
async function decide(core: Core, wishes: readonly CreateVideo[], patience: Patience): Promise<Verdicts> {
  let written = false;
  try {
    const verdicts = await core.database.transaction(async (tx) => {
      written = false;
      const made = await createAll(core, tx, wishes, patience);
      written = true;
      return made;
    });
    if ([...verdicts.values()].some((verdict) => "video" in verdict && !verdict.replayed)) core.announce();
    return verdicts;
  } catch (error) {
    // What failed at its commit may be there nevertheless: doing it again could do it twice.
    if (written || isUnavailable(error)) throw error;
    return apart(core, wishes, error);
  }
}

async function apart(core: Core, wishes: readonly CreateVideo[], error: unknown): Promise<Verdicts> {
  if (wishes.length === 1) return new Map(wishes.map((wish) => [wish, { refused: error }]));
  const verdicts = new Map<CreateVideo, Verdict>();
  for (const wish of wishes) {
    const alone = await decide(core, [wish], "all").catch(
      (refused: unknown) => new Map([[wish, { refused }]]),
    );
    for (const [one, verdict] of alone) verdicts.set(one, verdict);
  }
  return verdicts;
}

function isUnavailable(error: unknown): boolean {
  return error instanceof MixcacheError && error.code === "database_unavailable";
}

/** Of wishes whose account's line is not ours there is no verdict. */
async function createAll(
  core: Core,
  tx: Sql,
  wishes: readonly CreateVideo[],
  patience: Patience,
): Promise<Verdicts> {
  const at = timeOf(core);
  const lines = await Lines.lock(tx, accountsOf(wishes), patience);
  const ours = patience === "all" ? wishes : wishes.filter(({ accountId }) => lines.has(accountId));
  if (ours.length === 0) return new Map();
  const [earlier, caps, holds] = await atOnce([
    Earlier.read(tx, ours, at),
    Caps.read(tx, ours, at),
    core.ledger.open(tx, accountsOf(ours)),
  ]);
  const news: NewVideo[] = [];
  const judge = (wish: CreateVideo): Decision => {
    const before = earlier.of(wish);
    if (before !== undefined) return { id: before, replayed: true };
    const { accountId, hold } = wish;
    const turn = lines.next(accountId);
    caps.check(wish);
    const id = core.ids.video();
    holds.hold({ accountId, videoId: id, amount: hold });
    lines.join(accountId);
    caps.add(wish);
    earlier.add(wish, id);
    news.push({ id, jobId: core.uuid(), turn, wish });
    return { id, replayed: false };
  };
  const decisions = ours.map((wish) => [wish, refusing(() => judge(wish))] as const);
  const [videos] = await atOnce([insert(core, tx, news, at), holds.write(tx, at), earlier.write(tx, at)]);
  await readOthers(tx, decisions, videos);
  return new Map(decisions.map(([wish, decision]) => [wish, verdictFrom(decision, videos)]));
}

interface NewVideo {
  readonly id: string;
  readonly jobId: string;
  readonly turn: number;
  readonly wish: CreateVideo;
}

/** The video that answers a wish. */
interface Decision {
  readonly id: string;
  readonly replayed: boolean;
}

type Decided = Decision | { readonly refused: MixcacheError };

function refusing(judge: () => Decision): Decided {
  try {
    return judge();
  } catch (error) {
    if (error instanceof MixcacheError) return { refused: error };
    throw error;
  }
}

/** By id. */
async function insert(core: Core, tx: Sql, news: readonly NewVideo[], at: Date): Promise<Map<string, Video>> {
  if (news.length === 0) return new Map();
  const rows = news.map((one) => rowOf(one, at));
  const accounts = accountsOf(news.map(({ wish }) => wish));
  const jobs = news.map(({ id, jobId, turn, wish }) => ({
    id: jobId,
    videoId: id,
    accountId: wish.accountId,
    priority: priorityOf(turn),
  }));
  const [inserted] = await atOnce([
    tx.query<RawVideo>(INSERT_VIDEOS, [JSON.stringify(rows), at, accounts]),
    core.queue.send(tx, jobs),
  ]);
  return byId(inserted);
}

function rowOf({ id, jobId, turn, wish }: NewVideo, at: Date) {
  const { deadlineSeconds } = wish;
  return {
    id,
    account_id: wish.accountId,
    key_id: wish.keyId,
    request: wish.request,
    bundle_digest: wish.bundleDigest,
    terms: wish.terms,
    hold: `${wish.hold}`,
    job_id: jobId,
    turn,
    fingerprint: wish.fingerprint,
    deadline_at: deadlineSeconds === undefined ? null : new Date(at.getTime() + deadlineSeconds * 1000),
    remixed_from: wish.remixedFrom,
    traceparent: wish.traceparent,
    most_flops: wish.mostFlops === undefined ? null : `${wish.mostFlops}`,
  };
}

/** Adds the videos of before that are answers. */
async function readOthers(
  tx: Sql,
  decisions: readonly (readonly [CreateVideo, Decided])[],
  videos: Map<string, Video>,
): Promise<void> {
  const ids = decisions.flatMap(([, decided]) => ("id" in decided ? [decided.id] : []));
  const others = ids.filter((id) => !videos.has(id));
  if (others.length === 0) return;
  for (const [id, video] of byId(await tx.query<RawVideo>(READ_VIDEOS, [others]))) videos.set(id, video);
}

function byId(rows: readonly RawVideo[]): Map<string, Video> {
  return new Map(rows.map((row) => [row.id, videoOf(row)]));
}

function verdictFrom(decided: Decided, videos: ReadonlyMap<string, Video>): Verdict {
  if ("refused" in decided) return decided;
  const video = videos.get(decided.id);
  return video ? { video, replayed: decided.replayed } : { refused: noVideo(decided.id) };
}

function accountsOf(wishes: readonly CreateVideo[]): string[] {
  return [...new Set(wishes.map(({ accountId }) => accountId))];
}
