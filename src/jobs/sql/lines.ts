/** Accounts' lines: turns, and how many of theirs wait and run. */

const LINES = `
  select l.account_id, l.last_turn::text as last_turn, l.queued, a.max_queued, c.turn::text as clock
  from mixcache.lines l join mixcache.accounts a on a.id = l.account_id, mixcache.queue_clock c
  where l.account_id = any($1::text[]) order by l.account_id for update of l`;

/** Nobody else creates for these accounts until the end; those that somebody else has are left out. $1 accounts */
export const LOCK_FREE_LINES = `${LINES} skip locked`;

/** The same, and waits for them. $1 accounts */
export const LOCK_LINES = LINES;

/** $1 account, $2 change of those that wait, $3 change of those that run */
export const MOVE_IN_LINE =
  "update mixcache.lines set queued = queued + $2::integer, running = running + $3::integer where account_id = $1";

/** Accounts that may not start another one now. */
export const LINES_AT_LIMIT = `
  select l.account_id from mixcache.lines l join mixcache.accounts a on a.id = l.account_id
  where l.running >= a.max_running`;

/** One worker takes at a time: so limits hold, and turns count up. */
export const LOCK_CLOCK = "select 1 from mixcache.queue_clock for update";

/** $1 turn of the video that starts */
export const ADVANCE_CLOCK = "update mixcache.queue_clock set turn = $1::bigint where turn < $1::bigint";
