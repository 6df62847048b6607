import type { Migration } from "../database-contract.ts";

/** Which proofs of the edge were used. */
export const edgeProofs: Migration = {
  id: "0011-edge-proofs",
  sql: `
    create table mixcache.edge_proofs (
      nonce bytea primary key,
      used_at timestamptz not null
    );
    comment on table mixcache.edge_proofs is 'of requests that change something; forgotten when no proof of that age is good';
    create index edge_proofs_by_time on mixcache.edge_proofs (used_at);
  `,
};
