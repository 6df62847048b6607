/**
 * The arithmetic between graphs, as graphs: where tensors stay on the device, `combine`, `reduce` and copies are ONNX
 * graphs of a few operators, written here. Their inputs have names; each has one output, `out`.
 *
 * Reductions give sums, a vector of one to three; divisions and roots are done with them in TypeScript. So a zero in a
 * denominator gives what it gives in `host-math.ts`: shaders need not know infinities.
 */

import type { Dtype, Reduction } from "./contract.ts";
import { type OnnxNode, onnxDataType, writeOnnx } from "./onnx-writer.ts";

/** float16 is calculated with as float32. */
export type FloatDtype = Extract<Dtype, "float32" | "float16">;

/** What the inputs of a graph have in common. Sizes are free, their number is not. */
export interface GlueShape {
  readonly dtype: FloatDtype;
  readonly rank: number;
}

/** The name of the only output. */
export const GLUE_OUTPUT = "out";

/** The name of the i-th tensor, and of its coefficient, among the inputs of a combination. */
export const tensorName = (i: number) => `x${i}`;
export const coefficientName = (i: number) => `c${i}`;

/**
 * How each term of a combination enters it, a letter per term: added, subtracted, or multiplied by a coefficient that
 * is an input. Sums and differences of two are what residuals are made of; without a product they are to the bit what
 * the host's arithmetic gives.
 */
export function termsOf(coefficients: readonly number[]): string {
  return coefficients.map((c) => (c === 1 ? "+" : c === -1 ? "-" : "c")).join("");
}

/** Σ ±x or c·x; see `termsOf`. */
export function combineGraph(terms: string, shape: GlueShape): Uint8Array {
  const write = new Nodes(shape);
  let sum: string | undefined;
  for (const [i, term] of [...terms].entries()) {
    const x = write.float32(tensorName(i));
    if (term === "c") {
      const product = write.add("Mul", [x, coefficientName(i)]);
      sum = sum === undefined ? product : write.add("Add", [sum, product]);
    } else if (sum === undefined) sum = term === "-" ? write.add("Neg", [x]) : x;
    else sum = write.add(term === "-" ? "Sub" : "Add", [sum, x]);
  }
  write.end(sum ?? "", shape.dtype);
  const names = [...terms].map((_, i) => tensorName(i));
  const coefficients = [...terms].flatMap((term, i) => (term === "c" ? [coefficientName(i)] : []));
  return writeOnnx({
    name: "combine",
    nodes: write.nodes,
    inputs: [
      ...names.map((name) => ({ name, dtype: shape.dtype, dims: sizes(shape.rank) })),
      ...coefficients.map((name) => ({ name, dtype: "float32" as const, dims: [] })),
    ],
    outputs: [{ name: GLUE_OUTPUT, dtype: shape.dtype, dims: sizes(shape.rank) }],
  });
}

/** The same tensor in another place. Its input is the first of a combination's. */
export function copyGraph({ dtype, rank }: GlueShape): Uint8Array {
  return writeOnnx({
    name: "copy",
    nodes: [{ op: "Identity", inputs: [tensorName(0)], outputs: [GLUE_OUTPUT] }],
    inputs: [{ name: tensorName(0), dtype, dims: sizes(rank) }],
    outputs: [{ name: GLUE_OUTPUT, dtype, dims: sizes(rank) }],
  });
}

/** The sums of a reduction of a and b, of which `scalarOf` makes the scalar. */
export function reduceGraph(kind: Reduction, shape: GlueShape): Uint8Array {
  const write = new Nodes(shape);
  const a = write.float32("a");
  const b = write.float32("b");
  const sums = sumsOf(kind, a, b, write);
  const whole = sums.length === 1 ? (sums[0] ?? "") : write.add("Concat", sums, { axis: 0 });
  write.end(whole, "float32");
  const index = (data: readonly number[]) => ({
    dtype: "int64" as const,
    dims: [data.length],
    data: BigInt64Array.from(data, BigInt),
  });
  return writeOnnx({
    name: kind,
    nodes: write.nodes,
    inputs: ["a", "b"].map((name) => ({ name, dtype: shape.dtype, dims: sizes(shape.rank) })),
    outputs: [{ name: GLUE_OUTPUT, dtype: "float32", dims: [sums.length] }],
    initializers: {
      last_axis: index([-1]),
      one_row: index([1, -1]),
      ...(kind === "token_norm_ratio" && { zero: { dtype: "float32", dims: [], data: Float32Array.of(0) } }),
    },
  });
}

function sumsOf(kind: Reduction, a: string, b: string, write: Nodes): string[] {
  const square = (x: string) => write.add("Mul", [x, x]);
  const distance = () => write.sum(write.add("Abs", [write.add("Sub", [a, b])]));
  switch (kind) {
    case "dot":
      return [write.sum(write.add("Mul", [a, b]))];
    case "l1":
      return [distance()];
    case "l2":
      return [write.sum(square(write.add("Sub", [a, b])))];
    case "relative_l1":
      return [distance(), write.sum(write.add("Abs", [b]))];
    case "token_norm_ratio": {
      const [ofA, ofB] = [write.ofTokens(square(a)), write.ofTokens(square(b))];
      // 1 where a token of b is zero, so that the quotient is finite; then how many these are, and those of a with them.
      const [noA, noB] = [write.isZero(ofA), write.isZero(ofB)];
      const ratios = write.add("Sqrt", [write.add("Div", [ofA, write.add("Add", [ofB, noB])])]);
      return [ratios, noB, write.add("Mul", [noA, noB])].map((ofEach) => write.ofAll(ofEach));
    }
  }
}

/** The scalar of a reduction's sums, as `reduceHost` would give it. `dims` are the tensors'. */
export function scalarOf(kind: Reduction, sums: ArrayLike<number>, dims: readonly number[]): number {
  const [first = Number.NaN, second = 0, third = 0] = Array.from(sums);
  switch (kind) {
    case "dot":
      return first;
    case "l1":
      return first / dims.reduce((product, size) => product * size, 1);
    case "l2":
      return Math.sqrt(first);
    case "relative_l1":
      return first / second;
    case "token_norm_ratio":
      if (third > 0) return Number.NaN;
      if (second > 0) return Number.POSITIVE_INFINITY;
      return first / dims.slice(0, -1).reduce((product, size) => product * size, 1);
  }
}

/** Names of free sizes. */
function sizes(rank: number): string[] {
  return Array.from({ length: rank }, (_, i) => `d${i}`);
}

/** Collects operators; every method gives the name of what the new one makes. */
class Nodes {
  readonly nodes: OnnxNode[] = [];
  readonly #dtype: FloatDtype;

  constructor({ dtype }: GlueShape) {
    this.#dtype = dtype;
  }

  add(op: string, inputs: readonly string[], attributes?: OnnxNode["attributes"]): string {
    const made = `v${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [made], ...(attributes && { attributes }) });
    return made;
  }

  /** An input as float32. */
  float32(name: string): string {
    return this.#dtype === "float32" ? name : this.add("Cast", [name], { to: onnxDataType("float32") });
  }

  /** Sums over the last axis. */
  ofTokens(x: string): string {
    return this.add("ReduceSum", [x, "last_axis"], { keepdims: 0 });
  }

  /** The sum of all, a vector of one. */
  ofAll(x: string): string {
    return this.ofTokens(this.add("Reshape", [x, "one_row"]));
  }

  /** The sum of all, first over the last axis: sums of sums round less than one long sum. */
  sum(x: string): string {
    return this.ofAll(this.ofTokens(x));
  }

  /** 1 where it is zero, else 0. */
  isZero(x: string): string {
    return this.add("Cast", [this.add("Equal", [x, "zero"])], { to: onnxDataType("float32") });
  }

  /** Makes the output, in a type. */
  end(x: string, dtype: FloatDtype): void {
    const cast =
      dtype === "float32" ? { op: "Identity" } : { op: "Cast", attributes: { to: onnxDataType(dtype) } };
    this.nodes.push({ ...cast, inputs: [x], outputs: [GLUE_OUTPUT] });
  }
}
