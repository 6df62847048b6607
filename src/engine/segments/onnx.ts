/**
 * The ONNX Runtime backend: the part that Node and browsers share. It sees onnxruntime-common's types only; who
 * creates sessions, and on which device, is the `OnnxRuntime` that it is given.
 */

import { type InferenceSession, Tensor } from "onnxruntime-common";
import { invalid, MixcacheError } from "../../errors.ts";
import type { Manifest } from "../bundle/manifest.ts";
import type {
  BackendCapabilities,
  Dtype,
  HostTensor,
  Reduction,
  RunOptions,
  SegmentBackend,
  State,
  TensorHandle,
  Work,
} from "./contract.ts";
import { DeviceTensors } from "./onnx-device.ts";
import { HostTensors, isTensor, onnxFault, type TensorPlace } from "./onnx-tensors.ts";
import { type GraphRun, graphsOfWork } from "./work.ts";

/** What a platform adds to ONNX Runtime. */
export interface OnnxRuntime {
  readonly capabilities: BackendCapabilities;
  /** Creates the session of a graph of the bundle. */
  createSession(graph: string): Promise<InferenceSession>;
  /**
   * Creates the session of an ONNX graph that the backend wrote, with its output where `outputs` says. Where this is
   * there, tensors stay on the device between graphs: `createSession` must leave its outputs in GPU buffers, too. Without
   * it all tensors are in the host's memory.
   */
  createGlue?(model: Uint8Array, outputs: "cpu" | "gpu-buffer"): Promise<InferenceSession>;
}

/** A handle is the ONNX tensor, whose it is, and the number of releases it still needs. */
class OnnxHandle implements TensorHandle {
  readonly tensor: Tensor;
  readonly owner: OnnxBackend;
  holds = 1;

  constructor(tensor: Tensor, owner: OnnxBackend) {
    this.tensor = tensor;
    this.owner = owner;
  }

  get dtype(): Dtype {
    return this.tensor.type as Dtype;
  }

  get dims(): readonly number[] {
    return this.tensor.dims;
  }

  get bytes(): number {
    const width = this.dtype === "int64" ? 8 : this.dtype === "float16" ? 2 : 4;
    return this.tensor.size * width;
  }
}

export class OnnxBackend implements SegmentBackend {
  readonly capabilities: BackendCapabilities;
  readonly #manifest: Manifest;
  readonly #runtime: OnnxRuntime;
  readonly #place: TensorPlace;
  #replaces: Readonly<Record<string, string>> = {};
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  #bytesHeld = 0;

  /**
   * @param variant one of the bundle's variants, whose graphs stand in for the plain ones
   * @throws MixcacheError `invalid_argument` where the bundle has no such variant, `bundle_unsupported` where it has
   * no graphs
   */
  constructor(manifest: Manifest, runtime: OnnxRuntime, variant?: string) {
    if (!manifest.engines.includes("onnx")) {
      throw new MixcacheError(
        "bundle_unsupported",
        `${manifest.title} has no graphs: it was exported for the torch engine only. Set ENGINE=torch, or export it ` +
          "again with its graphs.",
      );
    }
    this.#manifest = manifest;
    this.#runtime = runtime;
    const { createGlue } = runtime;
    this.#place = createGlue ? new DeviceTensors(createGlue.bind(runtime)) : new HostTensors();
    this.capabilities = runtime.capabilities;
    if (variant === undefined) return;
    const found = manifest.variants.find(({ id }) => id === variant);
    if (!found) {
      const known = manifest.variants.map(({ id }) => id).join(", ") || "none";
      invalid("variant", `${manifest.title} has no variant ${variant}; it has ${known}.`);
    }
    this.#replaces = found.replaces;
  }

  async load(work: readonly Work[]): Promise<void> {
    for (const item of work) {
      for (const { graph } of graphsOfWork(this.#manifest, item)) await this.#session(graph);
    }
  }

  async run(work: Work, inputs: State, options: RunOptions = {}): Promise<State> {
    const produced = new Map<string, OnnxHandle>();
    try {
      for (const step of graphsOfWork(this.#manifest, work)) {
        if (options.signal?.aborted) throw new MixcacheError("aborted", "The run was stopped.");
        const started = performance.now();
        const outputs = await this.#runGraph(step, (name) => produced.get(name) ?? inputs[name]);
        for (const [name, handle] of outputs) {
          const superseded = produced.get(name);
          if (superseded) this.#drop(superseded);
          produced.set(name, handle);
        }
        options.onGraph?.(step.id, performance.now() - started);
      }
    } catch (error) {
      for (const handle of produced.values()) this.#drop(handle);
      throw error;
    }
    return Object.fromEntries(produced);
  }

  async combine(coefficients: readonly number[], states: readonly State[]): Promise<State> {
    const first = states[0];
    if (!first) return {};
    const combined: Record<string, OnnxHandle> = {};
    try {
      for (const name of Object.keys(first)) {
        const tensors = states.map((state) => {
          const handle = state[name];
          if (handle) return own(handle, name, this).tensor;
          throw new MixcacheError("engine_failed", `The states to combine do not all have ${name}.`);
        });
        combined[name] = this.#adopt(await this.#place.combine(coefficients, tensors, name));
      }
    } catch (error) {
      this.release(combined);
      throw error;
    }
    return combined;
  }

  async reduce(kind: Reduction, a: TensorHandle, b: TensorHandle): Promise<number> {
    return this.#place.reduce(kind, own(a, "a", this).tensor, own(b, "b", this).tensor);
  }

  async upload({ dtype, dims, data }: HostTensor): Promise<TensorHandle> {
    return this.#adopt(await this.#place.upload(new Tensor(dtype, data, dims)));
  }

  async read(handle: TensorHandle): Promise<HostTensor> {
    const { tensor } = own(handle, "the tensor", this);
    return { dtype: handle.dtype, dims: tensor.dims, data: await this.#place.read(tensor) };
  }

  retain(state: State): void {
    for (const [name, handle] of Object.entries(state)) own(handle, name, this).holds += 1;
  }

  release(state: State): void {
    for (const [name, handle] of Object.entries(state)) this.#drop(own(handle, name, this));
  }

  bytesHeld(): number {
    return this.#bytesHeld;
  }

  async unload(work: readonly Work[]): Promise<void> {
    for (const item of work) {
      for (const { graph } of graphsOfWork(this.#manifest, item)) await this.#close(graph);
    }
  }

  async dispose(): Promise<void> {
    for (const graph of [...this.#sessions.keys()]) await this.#close(graph);
    await this.#place.dispose();
  }

  #session(graph: string): Promise<InferenceSession> {
    let session = this.#sessions.get(graph);
    if (!session) {
      session = this.#runtime.createSession(this.#replaces[graph] ?? graph).catch((cause: unknown) => {
        this.#sessions.delete(graph);
        throw onnxFault(`The graph ${graph} could not be loaded`, cause);
      });
      this.#sessions.set(graph, session);
    }
    return session;
  }

  async #close(graph: string): Promise<void> {
    const session = this.#sessions.get(graph);
    this.#sessions.delete(graph);
    await (await session)?.release();
  }

  async #runGraph(
    { graph, inputs, outputs }: GraphRun,
    find: (name: string) => TensorHandle | undefined,
  ): Promise<[string, OnnxHandle][]> {
    const session = await this.#session(graph);
    const feeds: Record<string, Tensor> = {};
    for (const [ownName, name] of Object.entries(inputs)) {
      const handle = find(name);
      if (!handle)
        throw new MixcacheError("engine_failed", `The graph ${graph} needs ${name}, which was not given.`);
      feeds[ownName] = own(handle, name, this).tensor;
    }
    let results: InferenceSession.OnnxValueMapType;
    try {
      results = await this.#place.run(session, feeds, Object.keys(outputs));
    } catch (cause) {
      throw onnxFault(`The graph ${graph} failed`, cause);
    }
    return Object.entries(outputs).map(([ownName, name]) => {
      const tensor = results[ownName];
      if (!isTensor(tensor)) {
        throw new MixcacheError("engine_failed", `The graph ${graph} gave no tensor named ${ownName}.`);
      }
      return [name, this.#adopt(tensor)];
    });
  }

  #adopt(tensor: Tensor): OnnxHandle {
    const handle = new OnnxHandle(tensor, this);
    this.#bytesHeld += handle.bytes;
    return handle;
  }

  #drop(handle: OnnxHandle): void {
    handle.holds -= 1;
    if (handle.holds > 0) return;
    this.#bytesHeld -= handle.bytes;
    handle.tensor.dispose();
  }
}

/** The backend's own handle; a released one or another backend's is refused, since it would give silent garbage. */
function own(handle: TensorHandle, name: string, owner: OnnxBackend): OnnxHandle {
  if (!(handle instanceof OnnxHandle) || handle.owner !== owner)
    throw new MixcacheError("engine_failed", `${name} is not of this backend.`);
  if (handle.holds <= 0) throw new MixcacheError("engine_failed", `${name} is used after its release.`);
  return handle;
}
