/** float16 streams, by their bit patterns. */

import { Tensor } from "onnxruntime-common";
import { afterAll, describe, expect, it, vi } from "vitest";
import { cpuGlue } from "../../../test/support/cpu-glue.ts";
import { DeviceTensors } from "./onnx-device.ts";

// ONNX Runtime's binding for Node can't read the Float16Array that the library makes of bit patterns where there is one.
vi.stubGlobal("Float16Array", undefined);

const tensors = new DeviceTensors(cpuGlue);
afterAll(() => tensors.dispose());

describe("float16", () => {
  /** 1, 2 and 3; 0.5. */
  const [one, two, three, half] = [0x3c00, 0x4000, 0x4200, 0x3800];
  const halves = (...bits: number[]) => new Tensor("float16", Uint16Array.from(bits), [1, bits.length]);

  it("is calculated with as float32, and stays float16", async () => {
    const made = await tensors.combine([1, 0.5], [halves(two, one), halves(two, three)], "x");
    expect(made.type).toBe("float16");
    // 2 + 0.5 · 2 = 3; 1 + 0.5 · 3 = 2.5.
    expect(await tensors.read(made)).toEqual(Uint16Array.of(three, 0x4100));
    expect(await tensors.reduce("l1", halves(two, one), halves(one, half))).toBe(0.75);
    expect(await tensors.reduce("token_norm_ratio", halves(two), halves(half))).toBe(4);
  });

  it("does not overflow where its sums would", async () => {
    const large = Array.from({ length: 4 }, () => 0x7bff);
    expect(await tensors.reduce("dot", halves(...large), halves(...large))).toBe(4 * 65504 ** 2);
  });
});
