/**
 * The torch backend: the SegmentBackend contract over the messages of a torch worker. Handles are numbers of the
 * worker's tensors; how the worker is started and reached is the `TorchConnect` that it is given.
 *
 * A worker that ends takes its tensors with it. Whoever uses one of them then is told so; the next call that needs
 * none of them starts a new worker.
 */

import { invalid, MixcacheError } from "../../errors.ts";
import type { Manifest } from "../bundle/manifest.ts";
import type {
  BackendCapabilities,
  Dtype,
  HostData,
  HostTensor,
  Reduction,
  RunOptions,
  SegmentBackend,
  State,
  TensorHandle,
  Work,
} from "./contract.ts";
import { type CallOptions, type TorchAnswer, type TorchConnect, TorchLink } from "./torch-link.ts";
import {
  type FromTorch,
  type HeldTensor,
  type Ids,
  TORCH_PROTOCOL,
  type TorchCall,
  type TorchReady,
  type TorchStats,
} from "./torch-protocol.ts";
import { type GraphRun, graphsOfWork } from "./work.ts";

/** A tensor of one worker, and the number of releases it still needs. */
class TorchHandle implements TensorHandle {
  readonly id: number;
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly bytes: number;
  readonly link: TorchLink;
  readonly owner: TorchBackend;
  holds = 1;

  constructor({ id, dtype, dims, bytes }: HeldTensor, link: TorchLink, owner: TorchBackend) {
    this.id = id;
    this.dtype = dtype;
    this.dims = dims;
    this.bytes = bytes;
    this.link = link;
    this.owner = owner;
    link.bytesHeld += bytes;
  }
}

/** What a bundle calls a graph, the worker calls a program. */
function programOf(graph: string): string {
  return graph.replace(/\.onnx$/, "");
}

export class TorchBackend implements SegmentBackend {
  readonly capabilities: BackendCapabilities = {
    name: "torch",
    device: "torch",
    dtypes: ["float32", "float16", "int64"],
    cuts: true,
    modules: true,
  };
  readonly #manifest: Manifest;
  readonly #connect: TorchConnect;
  readonly #onLoad: (() => void) | undefined;
  #opened: { readonly link: TorchLink; readonly ready: Promise<TorchReady> } | undefined;
  #disposed = false;

  /**
   * @param onLoad called after every program that was loaded: a sign of life
   * @throws MixcacheError `bundle_unsupported` where the bundle was not made for torch
   */
  constructor(manifest: Manifest, connect: TorchConnect, onLoad?: () => void) {
    if (!manifest.engines.includes("torch")) {
      throw new MixcacheError(
        "bundle_unsupported",
        `${manifest.title} was not exported for the torch engine. Export it again with --engine torch, or use the onnx ` +
          "engine.",
      );
    }
    this.#manifest = manifest;
    this.#connect = connect;
    this.#onLoad = onLoad;
  }

  /** Starts the worker where none is running, and says what it runs on. */
  async about(): Promise<TorchReady> {
    return this.#open().ready;
  }

  /** What the worker holds, once everything before it is done; for tests and benches. */
  async stats(): Promise<TorchStats> {
    const { message } = await (await this.#link()).call({ type: "stats" });
    return expect(message, "stats").stats;
  }

  async load(work: readonly Work[]): Promise<void> {
    const graphs = work.flatMap((item) => graphsOfWork(this.#manifest, item));
    const programs = [...new Set(graphs.map(({ graph }) => programOf(graph)))];
    const onEvent = () => this.#onLoad?.();
    await this.#callAnew({ type: "load", programs }, { onEvent });
  }

  async run(work: Work, inputs: State, { signal, onGraph }: RunOptions = {}): Promise<State> {
    const graphs = graphsOfWork(this.#manifest, work);
    refuseIfAborted(signal);
    const link = await this.#link();
    const ids = this.#inputsOf(graphs, inputs, link);
    refuseIfAborted(signal);
    const steps = graphs.map(({ id, graph, ...bindings }) => ({
      id,
      program: programOf(graph),
      inputs: bindings.inputs,
      outputs: bindings.outputs,
    }));
    const onEvent = (message: FromTorch) => {
      if (message.type === "graph") onGraph?.(message.id, message.duration_ms);
    };
    const { message } = await link.call(
      { type: "run", steps, inputs: ids },
      { ...(signal && { signal }), onEvent },
    );
    return this.#adopt(message, link);
  }

  async combine(coefficients: readonly number[], states: readonly State[]): Promise<State> {
    const names = Object.keys(states[0] ?? {});
    if (names.length === 0) return {};
    if (coefficients.length !== states.length)
      invalid("coefficients", `${coefficients.length} coefficients are given for ${states.length} states.`);
    const link = await this.#link();
    const ids = states.map((state) => this.#idsOf(names, state, link));
    const { message } = await link.call({ type: "combine", coefficients, states: ids });
    return this.#adopt(message, link);
  }

  async reduce(kind: Reduction, a: TensorHandle, b: TensorHandle): Promise<number> {
    const link = await this.#link();
    const call = {
      type: "reduce",
      kind,
      a: this.#own(a, "a", link).id,
      b: this.#own(b, "b", link).id,
    } as const;
    const { message } = await link.call(call);
    return Number(expect(message, "number").value);
  }

  async upload({ dtype, dims, data }: HostTensor): Promise<TensorHandle> {
    const payload = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const call = { type: "upload", tensors: [{ dtype, dims }] } as const;
    const { message, link } = await this.#callAnew(call, { payload });
    const { tensor } = this.#adopt(message, link);
    if (!tensor) throw unexpected("no tensor after an upload");
    return tensor;
  }

  async read(handle: TensorHandle): Promise<HostTensor> {
    const link = await this.#link();
    const { id } = this.#own(handle, "the tensor", link);
    const { tensors, payload } = await link.call({ type: "read", id });
    const [tensor] = tensors;
    if (!tensor || tensor.dtype !== handle.dtype)
      throw unexpected("another tensor than the one that was read");
    return { ...tensor, data: dataOf(tensor.dtype, payload) };
  }

  retain(state: State): void {
    for (const [name, handle] of Object.entries(state)) this.#held(handle, name).holds += 1;
  }

  release(state: State): void {
    for (const [name, value] of Object.entries(state)) {
      const handle = this.#held(value, name);
      handle.holds -= 1;
      if (handle.holds > 0 || !handle.link.alive) continue;
      handle.link.bytesHeld -= handle.bytes;
      handle.link.free(handle.id);
    }
  }

  bytesHeld(): number {
    return this.#opened?.link.bytesHeld ?? 0;
  }

  async unload(work: readonly Work[]): Promise<void> {
    const graphs = work.flatMap((item) => graphsOfWork(this.#manifest, item));
    // Without a worker there is nothing to unload.
    if (!this.#opened?.link.alive) return;
    const programs = [...new Set(graphs.map(({ graph }) => programOf(graph)))];
    await this.#opened.link.call({ type: "unload", programs });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#opened?.link.kill(new MixcacheError("engine_unavailable", "The engine was closed."));
  }

  #open() {
    if (this.#disposed) throw new MixcacheError("engine_unavailable", "The engine was closed.");
    if (!this.#opened?.link.alive) {
      const link = new TorchLink(this.#connect);
      this.#opened = { link, ready: this.#greet(link) };
    }
    return this.#opened;
  }

  async #greet(link: TorchLink): Promise<TorchReady> {
    try {
      await link.greeted;
      const { message } = await link.call({
        type: "open",
        protocol: TORCH_PROTOCOL,
        manifest: this.#manifest,
      });
      return expect(message, "ready");
    } catch (error) {
      // A worker that could not open the weights is of no use; the next call starts anew.
      const reason = error instanceof MixcacheError ? error : unexpected("no answer");
      if (link.alive) link.kill(reason);
      throw reason;
    }
  }

  /** The living worker, its weights open; a new one where there is none. */
  async #link(): Promise<TorchLink> {
    const { link, ready } = this.#open();
    await ready;
    return link;
  }

  /**
   * A call that needs no tensor. It is made again where it found the worker dead: one that died while nobody used it
   * costs nobody a video.
   */
  async #callAnew(call: TorchCall, options: CallOptions): Promise<TorchAnswer & { link: TorchLink }> {
    const link = await this.#link();
    try {
      return { ...(await link.call(call, options)), link };
    } catch (error) {
      if (link.fate?.code !== "engine_crashed") throw error;
      const next = await this.#link();
      return { ...(await next.call(call, options)), link: next };
    }
  }

  /** The ids of what the graphs read and none before them makes. */
  #inputsOf(graphs: readonly GraphRun[], inputs: State, link: TorchLink): Ids {
    const made = new Set<string>();
    const ids: Record<string, number> = {};
    for (const { graph, inputs: reads, outputs } of graphs) {
      for (const name of Object.values(reads)) {
        if (made.has(name)) continue;
        const handle = inputs[name];
        if (!handle)
          throw new MixcacheError("engine_failed", `The graph ${graph} needs ${name}, which was not given.`);
        ids[name] = this.#own(handle, name, link).id;
      }
      for (const name of Object.values(outputs)) made.add(name);
    }
    return ids;
  }

  #idsOf(names: readonly string[], state: State, link: TorchLink): Ids {
    return Object.fromEntries(
      names.map((name) => {
        const handle = state[name];
        if (!handle)
          throw new MixcacheError("engine_failed", `The states to combine do not all have ${name}.`);
        return [name, this.#own(handle, name, link).id];
      }),
    );
  }

  #adopt(message: FromTorch, link: TorchLink): State {
    const { state } = expect(message, "state");
    return Object.fromEntries(
      Object.entries(state).map(([name, tensor]) => [name, new TorchHandle(tensor, link, this)]),
    );
  }

  /** This backend's handle; another's, or one that nobody holds any more, would be silent garbage. */
  #held(handle: TensorHandle, name: string): TorchHandle {
    if (!(handle instanceof TorchHandle) || handle.owner !== this)
      throw new MixcacheError("engine_failed", `${name} is not of this backend.`);
    if (handle.holds <= 0) throw new MixcacheError("engine_failed", `${name} is used after its release.`);
    return handle;
  }

  #own(value: TensorHandle, name: string, link: TorchLink): TorchHandle {
    const handle = this.#held(value, name);
    if (handle.link === link) return handle;
    const lost = `${name} was lost when the torch worker ended. Try again.`;
    throw handle.link.fate ?? new MixcacheError("engine_crashed", lost);
  }
}

function refuseIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new MixcacheError("aborted", "The run was stopped.");
}

function dataOf(dtype: Dtype, payload: Uint8Array): HostData {
  // Every payload is a buffer of its own that begins at 0.
  const { buffer, byteOffset } = payload;
  if (dtype === "float32") return new Float32Array(buffer as ArrayBuffer, byteOffset, payload.length / 4);
  if (dtype === "float16") return new Uint16Array(buffer as ArrayBuffer, byteOffset, payload.length / 2);
  return new BigInt64Array(buffer as ArrayBuffer, byteOffset, payload.length / 8);
}

function expect<T extends FromTorch["type"]>(message: FromTorch, type: T): FromTorch & { type: T } {
  if (message.type === type) return message as FromTorch & { type: T };
  throw unexpected(`${message.type} instead of ${type}`);
}

function unexpected(what: string): MixcacheError {
  return new MixcacheError("engine_failed", `The torch worker answered with ${what}.`);
}
