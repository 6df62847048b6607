/**
 * Behind an edge the API answers only what came through it, and what has one of the cell's own secrets. Whether a
 * request came through the edge says its proof (`wire/proof.ts`), which is good once: for what changes something the
 * database remembers that, for reads this process does.
 */

import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { MixcacheError } from "../errors.ts";
import { readUpToLimit } from "../wire/body.ts";
import { sha256Hex } from "../wire/hex.ts";
import { isProven, PROOF_HEADER, PROOF_SECONDS, type Proof, proofKeys, readProof } from "../wire/proof.ts";
import { Recent } from "../wire/recent.ts";
import type { ApiEnv, ApiOptions, EdgeOptions } from "./context.ts";
import { hasOwnSecret } from "./internal.ts";

type Options = Pick<ApiOptions, "accounts" | "internalToken" | "files" | "now"> & {
  readonly edge: EdgeOptions;
};

/** Orchestrators ask these of the process itself. */
const OPEN = ["/healthz", "/readyz"];
const READS = ["GET", "HEAD", "OPTIONS"];
/** Proofs of reads that are remembered; some 20 MB. */
const MOST_READS = 200_000;

/** @throws MixcacheError `edge_proof_invalid` */
export function edgeOnly(options: Options) {
  const keys = proofKeys(options.edge.secrets);
  const reads = new Recent<true>(MOST_READS, 2 * PROOF_SECONDS * 1000);
  return createMiddleware<ApiEnv>(async (c, next) => {
    const header = c.req.header(PROOF_HEADER);
    if (header !== undefined) {
      const proof = await checked(c, { ...options, keys: await keys }, header);
      // First the body: a request that came here cut off may come again.
      await checkBody(c, proof);
      const isFirst = READS.includes(c.req.method)
        ? add(reads, proof.nonce, options.now().getTime())
        : await options.edge.spend(proof.nonce);
      if (!isFirst) refuse("it was used before");
      c.set("fromEdge", true);
    } else if (!isOpen(c, options) && !hasOwnSecret(c, options))
      refuse("there is none; send the request to the edge, or use the operator's key");
    await next();
  });
}

/** What needs neither edge nor secret: health, and URLs of files, which are signed themselves. */
function isOpen(c: Context<ApiEnv>, { files }: Options): boolean {
  return OPEN.includes(c.req.path) || (files !== undefined && c.req.path.startsWith(files.path));
}

/** The proof, if it is one of this request and of now. */
async function checked(
  c: Context<ApiEnv>,
  { keys, edge, now }: Pick<Options, "edge" | "now"> & { readonly keys: readonly CryptoKey[] },
  header: string,
): Promise<Proof> {
  const proof = readProof(header);
  if (!proof) return refuse("it can't be read");
  const { pathname, search } = new URL(c.req.url);
  const request = { method: c.req.method, path: pathname, query: search, cell: edge.cell };
  if (!(await isProven(keys, proof, request)))
    refuse("it is not for this request and this cell, or was made with another EDGE_SECRET");
  if (Math.abs(now().getTime() / 1000 - proof.seconds) > PROOF_SECONDS)
    refuse(`it is older than ${PROOF_SECONDS} s, or the clocks of edge and cell differ`);
  return proof;
}

/** Reads the body and leaves it for the handler. */
async function checkBody(c: Context<ApiEnv>, { bodyDigest }: Proof): Promise<void> {
  const { bytes, whole } = await readUpToLimit(c.req.raw);
  if (!whole || (await sha256Hex(bytes)) !== bodyDigest)
    refuse("the body is not the one that it was made for");
  if (bytes.byteLength > 0) c.req.raw = new Request(c.req.raw, { body: bytes });
}

/** @returns false where it is there already */
function add(nonces: Recent<true>, nonce: string, nowMs: number): boolean {
  if (nonces.get(nonce, nowMs)) return false;
  nonces.set(nonce, true, nowMs);
  return true;
}

function refuse(reason: string): never {
  throw new MixcacheError("edge_proof_invalid", `The proof of the edge can't be used: ${reason}.`);
}
