/** What the modules of a bundle do, by the names that docs/bundle-format.md gives them. */

import { MixcacheError } from "../../errors.ts";
import type { Manifest } from "../bundle/manifest.ts";
import { blockCount } from "../cuts.ts";
import type { ModulesPart } from "./contract.ts";

/** `attn_ff` computes an attention and a feed-forward in one product, so the one can't be reused without the other. */
const NAMES = {
  self_attention: ["self_attn", "attn", "attn_ff"],
  cross_attention: ["cross_attn"],
  feed_forward: ["ff"],
} as const;

export type ModuleKind = keyof typeof NAMES;

/** The names of all modules of a bundle. */
export function moduleNames({ denoisers }: Manifest): readonly string[] {
  return [...new Set(denoisers.flatMap(({ modules }) => modules.map(({ module }) => module)))];
}

/** Those of one kind. */
export function namesOfKind(manifest: Manifest, kind: ModuleKind): readonly string[] {
  return moduleNames(manifest).filter((name) => (NAMES[kind] as readonly string[]).includes(name));
}

/**
 * These modules in all blocks, or in the first ones.
 * @throws MixcacheError `bundle_unsupported` where there are none
 */
export function modulesPart(manifest: Manifest, modules: readonly string[], blocks?: number): ModulesPart {
  const [denoiser] = manifest.denoisers;
  if (!denoiser || modules.length === 0) {
    throw new MixcacheError(
      "bundle_unsupported",
      `${manifest.title} was exported without the modules that this cache policy reuses. ` +
        "Export it with --modules, or choose another policy.",
    );
  }
  return { kind: "modules", modules, from: 0, to: blocks ?? blockCount(denoiser) };
}
