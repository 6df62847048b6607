/** One connection to one torch worker: numbers its calls, finds their answers, and ends with everything pending. */

import { MixcacheError } from "../../errors.ts";
import type { Frame, FrameTensor } from "./torch-frames.ts";
import {
  type FromTorch,
  fromTorch,
  TORCH_PROTOCOL,
  type TorchCall,
  type TorchNote,
  type ToTorch,
} from "./torch-protocol.ts";

/** What hears a worker. */
export interface TorchListener {
  message(frame: Frame): void;
  /** Once: the worker is gone, for this reason. */
  end(reason: MixcacheError): void;
}

/** A way to a worker that was just started; how bytes travel and how life is watched is its own business. */
export interface TorchTransport {
  send(message: ToTorch, payload?: Uint8Array): void;
  /** Ends the worker for good; `end` of the listener is called with this reason. */
  kill(reason: MixcacheError): void;
}

/** Starts a worker. @throws MixcacheError `engine_unavailable` where none can be started */
export type TorchConnect = (listener: TorchListener) => TorchTransport;

/** An answer, with the tensors of its payload. */
export interface TorchAnswer {
  readonly message: FromTorch;
  readonly tensors: readonly FrameTensor[];
  readonly payload: Uint8Array;
}

export interface CallOptions {
  readonly payload?: Uint8Array;
  /** Sends `stop` when it aborts; the worker then fails the call with `aborted`. */
  readonly signal?: AbortSignal;
  /** Messages before the answer: `graph`, `loaded`. */
  readonly onEvent?: (message: FromTorch) => void;
}

interface Pending {
  readonly resolve: (answer: TorchAnswer) => void;
  readonly reject: (error: MixcacheError) => void;
  readonly onEvent: CallOptions["onEvent"];
}

export class TorchLink {
  /** Bytes of the worker's tensors that somebody in TypeScript still holds. */
  bytesHeld = 0;
  readonly #transport: TorchTransport;
  readonly #pending = new Map<number, Pending>();
  #free: number[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;
  #nextCall = 1;
  #fate: MixcacheError | undefined;
  #greeted = Promise.withResolvers<void>();

  /** @throws what `connect` throws */
  constructor(connect: TorchConnect) {
    // Whoever waits for it hears of a failure; nobody waiting is no fault.
    this.#greeted.promise.catch(() => {});
    this.#transport = connect({
      message: (frame) => this.#receive(frame),
      end: (reason) => this.#end(reason),
    });
  }

  get alive(): boolean {
    return this.#fate === undefined;
  }

  /** Why it ended, or undefined while it lives. */
  get fate(): MixcacheError | undefined {
    return this.#fate;
  }

  /** Resolves when the worker has said that it speaks the same protocol; rejects with `engine_unavailable`. */
  get greeted(): Promise<void> {
    return this.#greeted.promise;
  }

  /** @throws MixcacheError of the worker, or the reason why it ended */
  async call(call: TorchCall, { payload, signal, onEvent }: CallOptions = {}): Promise<TorchAnswer> {
    if (this.#fate) throw this.#fate;
    const number = this.#nextCall++;
    const stop = () => this.#note({ type: "stop", call: number });
    const answer = new Promise<TorchAnswer>((resolve, reject) => {
      this.#pending.set(number, { resolve, reject, onEvent });
    });
    this.#transport.send({ ...call, call: number, free: this.#takeFree() }, payload);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Frees a tensor with the next call, or soon where there is none. */
  free(id: number): void {
    if (this.#fate) return;
    this.#free.push(id);
    this.#flush ??= setTimeout(() => this.#note({ type: "free", free: this.#takeFree() }), 0);
  }

  kill(reason: MixcacheError): void {
    this.#transport.kill(reason);
    this.#end(reason);
  }

  #takeFree(): number[] {
    clearTimeout(this.#flush);
    this.#flush = undefined;
    const free = this.#free;
    this.#free = [];
    return free;
  }

  #note(note: TorchNote): void {
    if (!this.#fate) this.#transport.send(note);
  }

  #receive({ header, payload }: Frame): void {
    if (this.#fate) return;
    const parsed = fromTorch.safeParse(header);
    if (!parsed.success) {
      this.kill(
        new MixcacheError(
          "engine_failed",
          `The torch worker sent a message that this version does not know (${header.type}); it was stopped.`,
        ),
      );
      return;
    }
    const message = parsed.data;
    if (message.type === "hello") this.#greet(message.protocol);
    else if (message.type !== "pong") this.#answer({ message, tensors: header.tensors, payload });
  }

  #greet(protocol: number): void {
    if (protocol === TORCH_PROTOCOL) {
      this.#greeted.resolve();
      return;
    }
    this.kill(
      new MixcacheError(
        "engine_unavailable",
        `The torch worker speaks version ${protocol} of the protocol, this mixcache version ${TORCH_PROTOCOL}. ` +
          "Use the worker that comes with it (python/worker).",
      ),
    );
  }

  #answer(answer: TorchAnswer): void {
    const { message } = answer;
    if (!("call" in message)) return;
    const pending = this.#pending.get(message.call);
    if (!pending) return;
    if (message.type === "graph" || message.type === "loaded") {
      pending.onEvent?.(message);
      return;
    }
    this.#pending.delete(message.call);
    if (message.type === "failed") pending.reject(new MixcacheError(message.code, message.message));
    else pending.resolve(answer);
  }

  #end(reason: MixcacheError): void {
    if (this.#fate) return;
    this.#fate = reason;
    this.bytesHeld = 0;
    this.#takeFree();
    this.#greeted.reject(reason);
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }
}
