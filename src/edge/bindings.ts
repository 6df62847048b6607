/** What the edge is told by wrangler.toml and its secret. */

import { z } from "zod";
import { CELLS_RULE, cellsOf } from "../wire/cell.ts";
import { EDGE_SECRET, EDGE_SECRET_RULE, proofKey } from "../wire/proof.ts";

/** Cloudflare's binding, which counts per location. */
type RateLimit = { limit(of: { readonly key: string }): Promise<{ readonly success: boolean }> };

/** The Worker's bindings, as they come. */
export interface Bindings {
  readonly CELLS: string;
  readonly EDGE_SECRET: string;
  readonly FIRST_BYTE_SECONDS: string;
  /** Of an API key. */
  readonly REQUESTS: RateLimit;
  /** Of a client's address. */
  readonly UNKNOWN_KEYS: RateLimit;
}

const schema = z.object({
  CELLS: z.string(CELLS_RULE).transform(cellsOf).refine(Boolean, CELLS_RULE),
  EDGE_SECRET: z.string(EDGE_SECRET_RULE).regex(EDGE_SECRET, EDGE_SECRET_RULE),
  FIRST_BYTE_SECONDS: z.coerce.number("it must be a number").min(0.1, "it must be at least 0.1"),
});

export type EdgeConfig = Awaited<ReturnType<typeof readConfig>>;

/** The variables, ready for use. @throws Error that names the variable; callers are not told */
export async function readConfig(bindings: Bindings) {
  const { data, error } = schema.safeParse(bindings);
  const [issue] = error?.issues ?? [];
  if (!data?.CELLS) throw new Error(`${issue?.path.join(".")} is not right; ${issue?.message}.`);
  const { CELLS: cells, EDGE_SECRET: secrets, FIRST_BYTE_SECONDS: seconds } = data;
  return { cells, proofKey: await proofKey(secrets), firstByteMs: seconds * 1000 };
}
