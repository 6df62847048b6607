/** One set of embeddings as a file: a line of JSON that says what follows, then the tensors, one after the other. */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { Embeddings } from "../engine/embeddings.ts";
import type { HostData } from "../engine/segments/contract.ts";

const WIDTH = { float32: 4, float16: 2, int64: 8 } as const;

const header = z.strictObject({
  format: z.literal("mixcache.embeddings/1"),
  sha256: z.string(),
  tensors: z.array(
    z.strictObject({
      name: z.string(),
      dtype: z.enum(["float32", "float16", "int64"]),
      dims: z.array(z.int().min(0)),
    }),
  ),
});

/** The file's bytes. */
export function writeEmbeddings(embeddings: Embeddings): Uint8Array {
  const entries = Object.entries(embeddings);
  const payload = Buffer.concat(
    entries.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  const about: z.infer<typeof header> = {
    format: "mixcache.embeddings/1",
    sha256: createHash("sha256").update(payload).digest("hex"),
    tensors: entries.map(([name, { dtype, dims }]) => ({ name, dtype, dims: [...dims] })),
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(about)}\n`), payload]);
}

/** What a file holds, or undefined where it is cut short, changed or of another format. */
export function readEmbeddings(bytes: Uint8Array): Embeddings | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  const payload = bytes.subarray(end + 1);
  const about = parsed(new TextDecoder().decode(bytes.subarray(0, end)));
  if (about?.sha256 !== createHash("sha256").update(payload).digest("hex")) return undefined;
  const embeddings: Record<string, Embeddings[string]> = {};
  let offset = 0;
  for (const { name, dtype, dims } of about.tensors) {
    const size = dims.reduce((product, dim) => product * dim, WIDTH[dtype]);
    if (offset + size > payload.length) return undefined;
    // A copy, since a tensor's numbers must begin at a multiple of their width; a Buffer's own slice is none.
    const { buffer } = new Uint8Array(payload.subarray(offset, offset + size));
    embeddings[name] = { dtype, dims, data: dataOf(dtype, buffer) };
    offset += size;
  }
  return offset === payload.length ? embeddings : undefined;
}

function parsed(text: string): z.infer<typeof header> | undefined {
  try {
    return header.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function dataOf(dtype: keyof typeof WIDTH, buffer: ArrayBuffer): HostData {
  if (dtype === "float32") return new Float32Array(buffer);
  return dtype === "float16" ? new Uint16Array(buffer) : new BigInt64Array(buffer);
}
