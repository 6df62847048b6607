/** Which scalars are taken together, so that a tensor is read once for all of them. */

import type { Kept, Measurement, Quantity } from "./cache/contract.ts";
import { isHost } from "./cache/kept.ts";

/** A tensor that this step has computed or that is kept, at latent size. */
export type HostQuantity = Extract<Quantity, { of: "part" | "kept" }>;

/** One scalar. */
interface Alone {
  readonly kind: "alone";
  readonly measurement: Measurement;
}

/**
 * The scalar products of `own` with itself and with two others; and, where it is asked too, the `relative_l1` of a
 * prediction made of those two from `own`, by their coefficients.
 */
export interface Products {
  readonly kind: "products";
  readonly own: HostQuantity;
  readonly others: readonly [HostQuantity, HostQuantity];
  readonly deviation?: readonly [number, number];
}

/** `places` says where in the list that was asked for each answer belongs, in the order of the answers. */
export type Group = (Alone | Products) & { readonly places: readonly number[] };

/** Every measurement once, in groups. */
export function together(measurements: readonly Measurement[]): readonly Group[] {
  const groups: Group[] = [];
  const grouped = new Set<number>();
  for (let i = 0; i < measurements.length; i++) {
    const products = productsAt(measurements, i);
    if (!products) continue;
    groups.push(products);
    for (const place of products.places) grouped.add(place);
    i += 2;
  }
  for (const [i, measurement] of measurements.entries())
    if (!grouped.has(i)) groups.push({ kind: "alone", measurement, places: [i] });
  return groups;
}

/** The products that begin at a place of the list, if three do. */
function productsAt(measurements: readonly Measurement[], at: number): (Products & Group) | undefined {
  const three = measurements.slice(at, at + 3);
  const [first, second, third] = three;
  if (!first || !second || !third) return undefined;
  if (!three.every(({ kind, a }) => kind === "dot" && a === first.a)) return undefined;
  const [own, one, other] = [first.a, second.b, third.b];
  if (first.b !== own || !isHostQuantity(own) || !isHostQuantity(one) || !isHostQuantity(other))
    return undefined;
  const products = { kind: "products", own, others: [one, other] } as const;
  const places = [at, at + 1, at + 2];
  for (const [place, measurement] of measurements.entries()) {
    const deviation = deviationOf(measurement, products);
    if (deviation) return { ...products, deviation, places: [...places, place] };
  }
  return { ...products, places };
}

/** The coefficients of the two others, where a measurement is how far a prediction made of them is from `own`. */
function deviationOf(
  { kind, a, b }: Measurement,
  { own, others }: Products,
): readonly [number, number] | undefined {
  if (kind !== "relative_l1" || a.of !== "predicted" || b.of !== "part") return undefined;
  // A guidance difference is compared as the output that it makes, which is another tensor.
  if (!isSame(b, own) || a.part.kind !== own.part.kind) return undefined;
  const { terms, latents } = a.prediction;
  if (terms.length !== 2 || latents) return undefined;
  const [p, q] = others.map((other) =>
    other.of === "kept"
      ? terms.find((term) => !term.band && term.age === other.age && isSame(term, other))?.coefficient
      : undefined,
  );
  return p === undefined || q === undefined ? undefined : [p, q];
}

function isHostQuantity(quantity: Quantity): quantity is HostQuantity {
  return (quantity.of === "part" || quantity.of === "kept") && isHost(quantity.part);
}

/** Of latent size there is one part of each kind. */
function isSame(one: Pick<Kept, "part" | "branch">, own: HostQuantity): boolean {
  return one.branch === own.branch && one.part.kind === own.part.kind;
}
