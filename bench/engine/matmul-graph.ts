/**
 * An ONNX graph with one MatMul, written by hand: ONNX is protobuf, and a graph this small needs no library.
 * Field numbers are those of onnx.proto (ONNX 1.x).
 */

/** Opset 13 has the MatMul that ONNX Runtime still runs; IR version 8 goes with it. */
const IR_VERSION = 8;
const OPSET = 13;
const FLOAT = 1;

const utf8 = new TextEncoder();

/** A base-128 varint. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

/** A field with a number (wire type 0). */
function int(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

/** A field with a message or a text (wire type 2). */
function nested(field: number, content: readonly number[] | string): number[] {
  const bytes = typeof content === "string" ? [...utf8.encode(content)] : content;
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

/** ValueInfoProto of a float32 matrix. */
function matrix(name: string, rows: number, columns: number): number[] {
  const shape = [rows, columns].flatMap((size) => nested(1, int(1, size)));
  const tensorType = [...int(1, FLOAT), ...nested(2, shape)];
  return [...nested(1, name), ...nested(2, nested(1, tensorType))];
}

/** The bytes of a model that computes C = A · B, all of them [size, size] and float32. */
export function matmulModel(size: number): Uint8Array {
  const node = [...nested(1, "A"), ...nested(1, "B"), ...nested(2, "C"), ...nested(4, "MatMul")];
  const graph = [
    ...nested(1, node),
    ...nested(2, "matmul"),
    ...nested(11, matrix("A", size, size)),
    ...nested(11, matrix("B", size, size)),
    ...nested(12, matrix("C", size, size)),
  ];
  return Uint8Array.from([...int(1, IR_VERSION), ...nested(7, graph), ...nested(8, int(2, OPSET))]);
}
