/** The engine of a page: a worker that makes videos, as the page sees it. */

import type { RunHooks } from "../engine/progress.ts";
import type { GenerateRequest } from "../engine/settings.ts";
import { fromWire, invalid, MixcacheError } from "../errors.ts";
import type { DownloadProgress } from "./bundle-files.ts";
import type { WebDevice } from "./onnx-runtime.ts";
import type { FromWorker, ToWorker, WebEngineInfo, WebResult } from "./protocol.ts";

/** How an engine is opened. Addresses may be relative to the page. */
export interface EngineOptions {
  /** Folder of the bundle: where model.json is. */
  readonly bundle: string | URL;
  /** Default "auto": WebGPU where the browser has it, else WebAssembly with a notice. */
  readonly device?: "auto" | WebDevice;
  /** Folder of ONNX Runtime's .wasm files. Default: beside the module, or where a bundler has put them. */
  readonly runtime?: string | URL;
  /** Folder of warm cache profiles, `<bundle digest>/<settings>.json`. Default: `profiles` beside the bundle's folder. */
  readonly profiles?: string | URL;
  readonly onDownload?: (progress: DownloadProgress) => void;
  /** Stops the opening; files that are complete are kept. */
  readonly signal?: AbortSignal;
}

/** What a video's maker wants to hear while it is made. */
export type GenerateHooks = Pick<RunHooks, "signal" | "onProgress" | "previewEvery">;

/** An open engine. It makes one video at a time. */
export interface WebEngine {
  readonly info: WebEngineInfo;
  /** @throws MixcacheError `invalid_argument`, `engine_busy`, `aborted`, or why the engine is lost */
  generate(request: GenerateRequest, hooks?: GenerateHooks): Promise<WebResult>;
  /** Resolves when device or worker are gone, with why; another engine can be opened then. Not after `close`. */
  readonly lost: Promise<MixcacheError>;
  /** Frees everything, also in the middle of a video. */
  close(): Promise<void>;
}

/**
 * Opens an engine: downloads what is not kept yet, checks it, and loads the model in a worker.
 * @throws MixcacheError `engine_unavailable`, `aborted`, `bundle_*`, `engine_out_of_memory`, `engine_crashed`
 */
export async function openEngine(options: EngineOptions): Promise<WebEngine> {
  if (!isSecureContext) {
    throw new MixcacheError(
      "engine_unavailable",
      `Browsers give WebGPU, digests and storage to pages from https or localhost only, and this one is from ${location.origin}. Serve it over https.`,
    );
  }
  const bundle = folderAt("bundle", options.bundle);
  const worker = new EngineWorker();
  return worker.open(
    {
      type: "open",
      bundle: bundle.href,
      profiles: folderAt("profiles", options.profiles ?? new URL("../profiles/", bundle)).href,
      device: options.device ?? "auto",
      ...(options.runtime !== undefined && { runtime: folderAt("runtime", options.runtime).href }),
    },
    options,
  );
}

/** An absolute address that ends with a slash, so that files' paths can be put behind it. */
function folderAt(field: string, address: string | URL): URL {
  try {
    const url = new URL(address, document.baseURI);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  } catch {
    invalid(field, `${field} is ${address}, which is no address of a folder.`);
  }
}

interface Waiting {
  readonly resolve: (result: WebResult) => void;
  readonly reject: (error: MixcacheError) => void;
  readonly onProgress: RunHooks["onProgress"];
}

class EngineWorker {
  readonly #worker = new Worker(new URL("./worker-main.ts", import.meta.url), {
    type: "module",
    name: "mixcache",
  });
  readonly #opened = Promise.withResolvers<WebEngineInfo>();
  readonly #lost = Promise.withResolvers<MixcacheError>();
  readonly #waiting = new Map<number, Waiting>();
  #onDownload: EngineOptions["onDownload"];
  #fate: MixcacheError | undefined;
  #isOpen = false;
  #lastId = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#receive(data));
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#lose(this.#broken(event.message));
    });
  }

  async open(message: ToWorker, { onDownload, signal }: EngineOptions): Promise<WebEngine> {
    this.#onDownload = onDownload;
    const stop = () => this.#end(new MixcacheError("aborted", "The opening of the engine was stopped."));
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    else this.#send(message);
    try {
      const info = await this.#opened.promise;
      this.#isOpen = true;
      return {
        info,
        lost: this.#lost.promise,
        generate: (request, hooks = {}) => this.#generate(request, hooks),
        close: async () => this.#end(new MixcacheError("aborted", "The engine was closed.")),
      };
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async #generate(
    request: GenerateRequest,
    { signal, onProgress, previewEvery }: GenerateHooks,
  ): Promise<WebResult> {
    if (this.#fate) throw this.#fate;
    if (signal?.aborted) throw new MixcacheError("aborted", "The run was stopped.");
    this.#lastId += 1;
    const id = this.#lastId;
    const stop = () => this.#send({ type: "abort", id });
    signal?.addEventListener("abort", stop, { once: true });
    const { promise, resolve, reject } = Promise.withResolvers<WebResult>();
    this.#waiting.set(id, { resolve, reject, onProgress });
    try {
      this.#send({ type: "generate", id, request, ...(previewEvery !== undefined && { previewEvery }) });
      return await promise;
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", stop);
    }
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    if (message.type === "download") this.#onDownload?.(message.progress);
    else if (message.type === "opened") this.#opened.resolve(message.info);
    else if (message.type === "lost") this.#lose(fromWire(message.error));
    else this.#answer(message, this.#waiting.get(message.id));
  }

  #answer(message: Extract<FromWorker, { readonly id: number }>, waiting: Waiting | undefined): void {
    if (message.type === "progress") waiting?.onProgress?.(message.progress);
    else if (message.type === "result") waiting?.resolve(message.result);
    else waiting?.reject(fromWire(message.error));
  }

  #broken(message: string | undefined): MixcacheError {
    return this.#isOpen
      ? new MixcacheError("engine_crashed", `The engine's worker failed: ${message}. Open the engine again.`)
      : new MixcacheError(
          "engine_unavailable",
          `The engine's worker did not start${message ? ` (${message})` : ""}. Serve its script beside the module, ` +
            "and allow it where the page has a content security policy (worker-src).",
        );
  }

  #lose(error: MixcacheError): void {
    if (this.#fate) return;
    this.#end(error);
    this.#lost.resolve(error);
  }

  /** Whoever waits gets this error; a worker that is terminated frees its memory and the device. */
  #end(error: MixcacheError): void {
    if (this.#fate) return;
    this.#fate = error;
    this.#worker.terminate();
    this.#opened.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
