/** Proofs of the edge that were used: what changes something is done once, whichever process of the API gets it. */

import type { Sql } from "./database-contract.ts";
import { SPEND_PROOF } from "./sql/edge-proofs.ts";

/** @returns false where it was used before. @param nonce of the proof, 32 hexadecimal digits */
export async function spendProof(database: Sql, nonce: string, at: Date): Promise<boolean> {
  return (await database.query(SPEND_PROOF, [nonce, at.toISOString()])).length > 0;
}
