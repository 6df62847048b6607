/** The statements of proofs that the edge gave. */

/** $1 nonce, $2 time. No row where it was there already. */
export const SPEND_PROOF = `
insert into mixcache.edge_proofs (nonce, used_at) values (decode($1, 'hex'), $2::timestamptz)
on conflict do nothing returning true as fresh`;

/** $1 before this moment. */
export const FORGET_PROOFS = `delete from mixcache.edge_proofs where used_at < $1::timestamptz returning 1 as gone`;
