/** Follows a video over connections that break: docs/events.md. */

import { MixcacheError } from "../../errors.ts";
import { eventsOf, type ServerEvent } from "./sse.ts";

/** The events after which there are none. */
export const LAST_EVENTS: readonly string[] = ["video.completed", "video.failed", "video.cancelled"];

/** Waits between two connections grow up to this. */
const LONGEST_WAIT_MS = 8000;
const FIRST_WAIT_MS = 1000;

export interface Following {
  /** Opens the stream after the event of this id; the empty one is the beginning. @throws MixcacheError */
  open(lastId: string): Promise<Response>;
  wait(ms: number): Promise<void>;
  readonly signal: AbortSignal;
  /** Told whenever the stream is lost and comes again. */
  readonly onLost?: (error: unknown) => void;
}

/**
 * Every event once, in order, until the video's last one. A connection that breaks is made anew where it was cut.
 * @throws MixcacheError that another try can't mend: the video is gone, or the key is
 */
export async function* follow({ open, wait, signal, onLost }: Following): AsyncGenerator<ServerEvent> {
  let lastId = "";
  for (let failures = 0; !signal.aborted; ) {
    try {
      const response = await open(lastId);
      if (response.status === 204 || !response.body) return;
      for await (const event of eventsOf(response.body)) {
        failures = 0;
        lastId = event.id ?? lastId;
        yield event;
        if (LAST_EVENTS.includes(event.type)) return;
      }
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      onLost?.(error);
    }
    await wait(Math.min(FIRST_WAIT_MS * 2 ** failures++, LONGEST_WAIT_MS));
  }
}

/** What the server refuses stays refused; what didn't reach it, or was too much, may pass. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof MixcacheError)) return false;
  const passing = [
    "streams_full",
    "rate_limited",
    "server_unreachable",
    "server_failed",
    "database_unavailable",
  ];
  return !passing.includes(error.code);
}
