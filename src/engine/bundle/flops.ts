/** FLOPs from the manifest's polynomials. */

import type { DecoderFlops } from "./manifest-decoder.ts";
import type { FlopsPolynomial } from "./manifest-parts.ts";

/** The sizes that FLOPs depend on: DiT tokens and text tokens. */
export interface TokenCounts {
  readonly tokens: number;
  /** Of the longest text. */
  readonly text: number;
  /** Of each text by the name of its prompt value. */
  readonly texts?: Readonly<Record<string, number>>;
}

/** FLOPs (two per multiply-accumulate of a matrix product) of one run at these sizes. */
export function flopsOf(
  polynomial: FlopsPolynomial,
  { tokens, text: longest, texts = {} }: TokenCounts,
): number {
  const text = polynomial.texts?.reduce((sum, name) => sum + (texts[name] ?? 0), 0) ?? longest;
  return (
    polynomial.constant +
    polynomial.tokens * tokens +
    polynomial.tokens_squared * tokens * tokens +
    polynomial.text * text +
    polynomial.tokens_text * tokens * text +
    polynomial.text_squared * text * text
  );
}

/**
 * FLOPs of one call of the decoder.
 * @param frames its latent frames
 * @param plane latent rows times columns of its tile
 */
export function decoderFlops(flops: DecoderFlops, frames: number, plane: number): number {
  if (typeof flops === "number") return flops;
  const pixels = frames * plane;
  return (
    flops.constant + flops.plane * plane + flops.pixels * pixels + flops.pixels_squared * pixels * pixels
  );
}
