/** What this browser can do for the engine, before anything is downloaded. */

import { getEncodableVideoCodecs } from "mediabunny";
import { MEDIABUNNY_CODECS, MP4_CODECS } from "../media/mux.ts";
import { adapterName, findAdapter, hasJspi } from "./adapter.ts";

export interface WebSupport {
  /** There is a WebGPU adapter, not only the interface. */
  readonly webgpu: boolean;
  /** WebAssembly can wait for promises by itself; ONNX Runtime's smaller build is used then. */
  readonly jspi: boolean;
  /** `encodeVideo` has an encoder. */
  readonly webcodecs: boolean;
  /** What the browser tells of the graphics device. */
  readonly adapter?: string;
  /** What is missing and what follows, for people; empty where nothing is. */
  readonly sentences: readonly string[];
}

/** Asks the browser. Never throws. */
export async function webSupport(): Promise<WebSupport> {
  const adapter = await findAdapter();
  const codecs = await getEncodableVideoCodecs(MP4_CODECS.map((codec) => MEDIABUNNY_CODECS[codec])).catch(
    () => [],
  );
  const webcodecs = codecs.length > 0;
  const sentences: string[] = [];
  if (!isSecureContext)
    sentences.push("This page is not from https or localhost, so the browser gives it no engine at all.");
  if (!adapter) {
    sentences.push(
      "This browser gives no WebGPU adapter: videos are made on the processor, many times slower.",
    );
  }
  if (!webcodecs)
    sentences.push("This browser can't encode video: what is made can be seen, but not saved as MP4.");
  return {
    webgpu: adapter !== undefined,
    jspi: hasJspi(),
    webcodecs,
    ...(adapter && { adapter: adapterName(adapter) }),
    sentences,
  };
}
