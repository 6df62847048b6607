/** What this browser has for the engine; the same in a page and in a worker. */

/** The WebGPU adapter, or undefined where there is none. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  try {
    // Types say that it is always there.
    const gpu: GPU | undefined = navigator.gpu;
    return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? undefined;
  } catch {
    return undefined;
  }
}

/** A name for people: as much as the browser tells, which may be only the vendor. */
export function adapterName({ info }: GPUAdapter): string {
  const { vendor, architecture, description } = info;
  return description || [vendor, architecture].filter((word) => word !== "").join(" ") || "unknown";
}

/** Whether WebAssembly can wait for promises by itself (JavaScript Promise Integration). */
export function hasJspi(): boolean {
  return "Suspending" in WebAssembly;
}
