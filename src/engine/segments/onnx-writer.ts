/**
 * Writes ONNX graphs. ONNX is protobuf, and graphs as small as those of this project need no library.
 * Field numbers are those of onnx.proto (ONNX 1.12: IR version 8, opset 17).
 */

import type { Dtype, HostTensor } from "./contract.ts";

const IR_VERSION = 8;
const OPSET = 17;

/** TensorProto.DataType. */
const DATA_TYPES = { float32: 1, int64: 7, float16: 10 } as const satisfies Record<Dtype, number>;
/** AttributeProto.AttributeType. */
const ATTRIBUTE = { float: 1, int: 2, ints: 7 } as const;

/** An input or output of a graph. Sizes with a name vary from run to run. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: Dtype;
  readonly dims: readonly (number | string)[];
}

/** Integers are plain numbers; one that the operator takes as a float is marked. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

/** An operator with the names of what it reads and makes. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph; nodes stand in the order in which they can run. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Constants, by name. */
  readonly initializers?: Readonly<Record<string, HostTensor>>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = new TextEncoder();

/** The number of a type, for the attribute `to` of Cast. */
export function onnxDataType(dtype: Dtype): number {
  return DATA_TYPES[dtype];
}

/** The bytes of a model with this graph, which ONNX Runtime opens as it opens a file. */
export function writeOnnx(graph: OnnxGraph): Uint8Array {
  const message = join([
    ...graph.nodes.map((node) => nested(1, nodeProto(node))),
    text(2, graph.name),
    ...Object.entries(graph.initializers ?? {}).map(([name, tensor]) => nested(5, tensorProto(name, tensor))),
    ...graph.inputs.map((value) => nested(11, valueInfo(value))),
    ...graph.outputs.map((value) => nested(12, valueInfo(value))),
  ]);
  return join([int(1, IR_VERSION), nested(7, message), nested(8, int(2, OPSET))]);
}

function nodeProto({ op, inputs, outputs, attributes = {} }: OnnxNode): Bytes {
  return join([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => nested(5, attributeProto(name, value))),
  ]);
}

function attributeProto(name: string, value: OnnxAttribute): Bytes {
  if (typeof value === "number") return join([text(1, name), int(3, value), int(20, ATTRIBUTE.int)]);
  if ("float" in value) return join([text(1, name), float(2, value.float), int(20, ATTRIBUTE.float)]);
  return join([text(1, name), ...value.map((each) => int(8, each)), int(20, ATTRIBUTE.ints)]);
}

function tensorProto(name: string, { dtype, dims, data }: HostTensor): Bytes {
  const raw = new Uint8Array(data.byteLength);
  raw.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return join([
    ...dims.map((size) => int(1, size)),
    int(2, DATA_TYPES[dtype]),
    text(8, name),
    nested(9, raw),
  ]);
}

function valueInfo({ name, dtype, dims }: OnnxValue): Bytes {
  const shape = join(dims.map((size) => nested(1, typeof size === "number" ? int(1, size) : text(2, size))));
  const tensorType = join([int(1, DATA_TYPES[dtype]), nested(2, shape)]);
  return join([text(1, name), nested(2, nested(1, tensorType))]);
}

/** A base-128 varint; negative numbers are those of 64 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** A field with an integer (wire type 0). */
function int(field: number, value: number): Bytes {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

/** A field with a message or bytes (wire type 2). */
function nested(field: number, content: Bytes): Bytes {
  return join([Uint8Array.from([...varint(field * 8 + 2), ...varint(content.length)]), content]);
}

function text(field: number, content: string): Bytes {
  return nested(field, utf8.encode(content));
}

/** A field with a float of 32 bits (wire type 5), little-endian. */
function float(field: number, value: number): Bytes {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return join([Uint8Array.from(varint(field * 8 + 5)), new Uint8Array(bytes.buffer)]);
}

function join(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
