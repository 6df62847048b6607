import type { Migration } from "../database-contract.ts";

/**
 * Rows that every create and every settlement changes find room for their next version on their own page: then no index
 * has to be told, and what is out of date goes without a vacuum.
 */
export const room: Migration = {
  id: "0012-room",
  sql: `
    alter table mixcache.lines set (fillfactor = 50);
    alter table mixcache.balances set (fillfactor = 50);
    alter table mixcache.videos set (fillfactor = 85);
  `,
};
