/**
 * A torch worker without torch: the protocol in TypeScript, a second implementation beside Python's. Its programs are
 * the bundle's ONNX graphs, so what comes through it must be what the ONNX backend gives, to the bit.
 */

import type { Manifest } from "../../src/engine/bundle/manifest.ts";
import type { SegmentBackend, State, TensorHandle } from "../../src/engine/segments/contract.ts";
import { OnnxBackend, type OnnxRuntime } from "../../src/engine/segments/onnx.ts";
import type { Frame } from "../../src/engine/segments/torch-frames.ts";
import type { TorchConnect } from "../../src/engine/segments/torch-link.ts";
import {
  type FromTorch,
  type Ids,
  TORCH_PROTOCOL,
  type ToTorch,
} from "../../src/engine/segments/torch-protocol.ts";
import { MixcacheError } from "../../src/errors.ts";

export type Send = (message: FromTorch & { tensors?: unknown }, payload?: Uint8Array) => void;

/** The manifest of an ONNX bundle that says torch can run it too. */
export function forTorch(manifest: Manifest): Manifest {
  const torch = { family: manifest.family, weights: "0".repeat(64), modules: false };
  return { ...manifest, engines: ["onnx", "torch"], torch };
}

export class TorchDouble {
  readonly #send: Send;
  readonly #runtime: OnnxRuntime;
  readonly #tensors = new Map<number, TensorHandle>();
  readonly #stopped = new Set<number>();
  #backend: SegmentBackend | undefined;
  #nextId = 1;
  #queue: Promise<void> = Promise.resolve();

  constructor(runtime: OnnxRuntime, send: Send, protocol = TORCH_PROTOCOL) {
    this.#runtime = runtime;
    this.#send = send;
    send({ type: "hello", protocol });
  }

  receive({ header, payload }: Frame): void {
    const message = header as unknown as ToTorch;
    if (message.type === "ping") this.#send({ type: "pong" });
    else if (message.type === "stop") this.#stopped.add(message.call);
    else this.#queue = this.#queue.then(() => this.#handle(message, payload));
  }

  async #handle(message: Exclude<ToTorch, { type: "ping" | "stop" }>, payload: Uint8Array): Promise<void> {
    for (const id of message.free) this.#free(id);
    if (message.type === "free") return;
    try {
      await this.#answer(message, payload);
    } catch (error) {
      const code = error instanceof MixcacheError ? error.code : "engine_failed";
      this.#send({
        type: "failed",
        call: message.call,
        code: code as "engine_failed",
        message: String(error),
      });
    }
  }

  async #answer(message: ToTorch & { call: number }, payload: Uint8Array): Promise<void> {
    const { call } = message;
    if (message.type === "open") {
      this.#backend = new OnnxBackend(message.manifest, this.#runtime);
      const what = {
        torch: "none",
        device: "double",
        device_name: "double",
        dtype: "float32",
        attention: [],
      };
      this.#send({ type: "ready", call, ...what });
      return;
    }
    const backend = this.#backend;
    if (!backend) throw new Error("nothing is open");
    if (message.type === "load" || message.type === "unload") {
      for (const program of message.type === "load" ? message.programs : [])
        this.#send({ type: "loaded", call, program });
      this.#send({ type: "done", call });
    } else if (message.type === "run") {
      this.#keep(call, await this.#run(backend, message));
    } else if (message.type === "combine") {
      const states = message.states.map((ids) => this.#state(ids));
      this.#keep(call, await backend.combine(message.coefficients, states));
    } else if (message.type === "reduce") {
      const value = await backend.reduce(message.kind, this.#tensor(message.a), this.#tensor(message.b));
      this.#send({ type: "number", call, value: Number.isFinite(value) ? value : String(value) });
    } else if (message.type === "upload") {
      const [tensor] = message.tensors;
      if (!tensor) throw new Error("no tensor");
      const data = new { float32: Float32Array, float16: Uint16Array, int64: BigInt64Array }[tensor.dtype](
        payload.slice().buffer,
      );
      this.#keep(call, { tensor: await backend.upload({ ...tensor, data }) });
    } else if (message.type === "read") {
      const { data, dims, dtype } = await backend.read(this.#tensor(message.id));
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
      this.#send({ type: "tensor", call, tensors: [{ dtype, dims }] }, bytes);
    } else if (message.type === "stats") {
      const sizes = { resident_bytes: 0, device_bytes: 0, device_peak_bytes: 0 };
      const stats = { tensors: this.#tensors.size, tensor_bytes: backend.bytesHeld(), ...sizes };
      this.#send({ type: "stats", call, stats });
    }
  }

  async #run(backend: SegmentBackend, { call, steps, inputs }: ToTorch & { type: "run" }): Promise<State> {
    const known: Record<string, TensorHandle> = { ...this.#state(inputs) };
    const made: Record<string, TensorHandle> = {};
    for (const { id, program, inputs: reads, outputs } of steps) {
      // Lets a stop that was sent meanwhile come in.
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (this.#stopped.has(call)) {
        backend.release(made);
        throw new MixcacheError("aborted", "The run was stopped.");
      }
      const state = await backend.run(
        { kind: "graph", graph: `${program}.onnx`, inputs: reads, outputs },
        { ...known, ...made },
      );
      for (const [name, handle] of Object.entries(state)) {
        const old = made[name];
        if (old) backend.release({ [name]: old });
        made[name] = handle;
      }
      this.#send({ type: "graph", call, id, duration_ms: 1 });
    }
    return made;
  }

  #keep(call: number, made: State): void {
    const state = Object.fromEntries(
      Object.entries(made).map(([name, handle]) => {
        const id = this.#nextId++;
        this.#tensors.set(id, handle);
        const width = { float32: 4, float16: 2, int64: 8 }[handle.dtype];
        const bytes = handle.dims.reduce((product, dim) => product * dim, width);
        return [name, { id, dtype: handle.dtype, dims: [...handle.dims], bytes }];
      }),
    );
    this.#send({ type: "state", call, state });
  }

  #state(ids: Ids): State {
    return Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, this.#tensor(id)]));
  }

  #tensor(id: number): TensorHandle {
    const handle = this.#tensors.get(id);
    if (!handle) throw new Error(`no tensor ${id}`);
    return handle;
  }

  #free(id: number): void {
    this.#backend?.release({ tensor: this.#tensor(id) });
    this.#tensors.delete(id);
  }
}

/** What a test may do to a double in memory. */
export interface DoubleControl {
  /** Workers that were started so far. */
  starts: number;
  /** Messages to the worker so far, by type. */
  readonly heard: string[];
  /** Ends the worker that runs now. */
  end: (reason: MixcacheError) => void;
}

/** A double in this process: messages are copied by JSON, as on a wire, and delivered later. */
export function inMemory(
  runtime: OnnxRuntime,
  protocol?: number,
): { connect: TorchConnect; control: DoubleControl } {
  const control: DoubleControl = { starts: 0, heard: [], end: () => {} };
  const connect: TorchConnect = (listener) => {
    control.starts += 1;
    let alive = true;
    const deliver = (to: (frame: Frame) => void, message: object, payload?: Uint8Array) => {
      const header = { tensors: [], ...JSON.parse(JSON.stringify(message)) };
      setImmediate(() => alive && to({ header, payload: payload?.slice() ?? new Uint8Array() }));
    };
    const double = new TorchDouble(
      runtime,
      (message, payload) => deliver((frame) => listener.message(frame), message, payload),
      protocol,
    );
    const kill = (reason: MixcacheError) => {
      alive = false;
      listener.end(reason);
    };
    control.end = kill;
    return {
      send: (message, payload) => {
        control.heard.push(message.type);
        deliver((frame) => double.receive(frame), message, payload);
      },
      kill,
    };
  };
  return { connect, control };
}
