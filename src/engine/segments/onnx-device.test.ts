/** Sessions on a device take turns, and what fails leaves the others alone. */

import { type InferenceSession, Tensor } from "onnxruntime-common";
import { expect, it } from "vitest";
import { cpuGlue } from "../../../test/support/cpu-glue.ts";
import { DeviceTensors } from "./onnx-device.ts";

const tensor = (...values: number[]) => new Tensor("float32", Float32Array.from(values), [values.length]);

it("one session runs at a time, also where many are asked at once", async () => {
  let running = 0;
  let most = 0;
  const turn = async <T>(task: () => Promise<T>): Promise<T> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    const result = await task();
    running -= 1;
    return result;
  };
  const tensors = new DeviceTensors((...of) =>
    turn(async () => {
      const session = await cpuGlue(...of);
      const run: InferenceSession["run"] = (feeds: InferenceSession.FeedsType) =>
        turn(() => session.run(feeds));
      return { run, release: () => session.release() } as InferenceSession;
    }),
  );
  const [a, b] = [tensor(1, 2), tensor(3, 5)];
  const all = [
    tensors.reduce("dot", a, b),
    tensors.reduce("l1", a, b),
    tensors.reduce("dot", b, b),
    tensors.upload(a),
  ];
  expect((await Promise.all(all)).slice(0, 3)).toEqual([13, 2.5, 34]);
  expect(most).toBe(1);
  await tensors.dispose();
});

it("a graph that could not be opened is tried again, by a sentence that says what it was for", async () => {
  let refused = false;
  const tensors = new DeviceTensors(async (...of) => {
    if (refused) return cpuGlue(...of);
    refused = true;
    throw new Error("std::bad_alloc");
  });
  const a = tensor(1, 2);
  await expect(tensors.reduce("dot", a, a)).rejects.toMatchObject({
    code: "engine_out_of_memory",
    message: "The device failed at: dot of float32, rank 1: std::bad_alloc",
  });
  expect(await tensors.reduce("dot", a, a)).toBe(5);
  await tensors.dispose();
});

it("each kind of arithmetic is opened once for each type and rank, and closed in the end", async () => {
  let [opened, closed] = [0, 0];
  const tensors = new DeviceTensors(async (...of) => {
    opened += 1;
    const session = await cpuGlue(...of);
    const run: InferenceSession["run"] = (feeds: InferenceSession.FeedsType) => session.run(feeds);
    const release = async () => {
      closed += 1;
      await session.release();
    };
    return { run, release } as InferenceSession;
  });
  const [a, b] = [tensor(1, 2), tensor(3)];
  for (const x of [a, b]) await tensors.reduce("l2", x, x);
  for (const c of [0.5, 0.25]) await tensors.combine([c, 1], [a, a], "x");
  expect(opened).toBe(2);
  await tensors.dispose();
  expect(closed).toBe(2);
});
