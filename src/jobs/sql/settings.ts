/** What the processes of an installation agree on. */

/** The first value stays. $1 name, $2 value */
export const CLAIM_SETTING = `
insert into mixcache.settings (name, value) values ($1, $2) on conflict do nothing`;

/** $1 name */
export const READ_SETTING = `select value from mixcache.settings where name = $1`;
