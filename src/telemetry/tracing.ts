/** Export of traces by OpenTelemetry's SDK, which is loaded only where it is wanted: it is large. */

import { setTimeout as wait } from "node:timers/promises";

/** A process that ends waits no longer than this for whoever collects traces. */
const LAST_SPANS_MS = 2000;

/**
 * Starts it. Where traces go, how many and in which protocol, it reads from OpenTelemetry's own variables.
 * @returns what sends the last spans and ends it
 */
export async function startTracing(serviceName: string): Promise<() => Promise<void>> {
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk = new NodeSDK({ serviceName, instrumentations: [], metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  return async () => {
    const patience = new AbortController();
    await Promise.race([
      // That the last spans find nobody to take them is no failure of the service.
      sdk.shutdown().catch(() => undefined),
      wait(LAST_SPANS_MS, undefined, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
  };
}
