/** How a running server is watched, and what it does for those who watch a video. */

import { z } from "zod";
import { docs, webUrl, whole } from "./rules.ts";

/** Heartbeats, streams, moderation, metrics and traces. */
export const operation = {
  HEARTBEAT_SECONDS: whole(10, 600, " of seconds").default(10).register(docs, {
    group: "server",
    meaning:
      "How often workers say that they live. A worker that is silent for three times as long has lost its video.",
  }),
  PREVIEW_EVERY_STEPS: whole(0, 1000, " of steps").default(0).register(docs, {
    group: "server",
    meaning:
      "A small picture of each video that is being made, every so many steps, unless its request says otherwise. `0`: none. See [events.md](events.md#previews).",
  }),
  MAX_STREAMS: whole(1, 100_000).default(1000).register(docs, {
    group: "server",
    meaning:
      "How many event streams and waiting requests one process holds open. See [events.md](events.md).",
  }),
  MAX_STREAMS_PER_ACCOUNT: whole(1, 100_000).default(100).register(docs, {
    group: "server",
    meaning: "How many of them one account may have in one process.",
  }),
  MODERATION: z.string().optional().register(docs, {
    group: "server",
    meaning:
      "A JavaScript module that exports `moderate`, which is asked before a video is made and before it is stored. See [moderation.md](moderation.md).",
    otherwise: "none: nothing is moderated",
  }),
  MODERATION_TIMEOUT_SECONDS: whole(1, 300, " of seconds").default(10).register(docs, {
    group: "server",
    meaning: "How long it may take for an answer; after that the video is refused.",
  }),
  METRICS_PORT: whole(1, 65_535).optional().register(docs, {
    group: "server",
    meaning:
      "Where `/metrics` is served on `HOST` without a key, for a private network; a worker alone has no other. See [operate.md](operate.md).",
    otherwise: "none: `/metrics` of the API, with the operator's key",
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl().optional().register(docs, {
    group: "server",
    meaning:
      "Where traces are sent by OpenTelemetry, whose other standard variables hold too; `OTEL_SDK_DISABLED=true` switches it off. See [operate.md](operate.md#traces).",
    otherwise: "none: there are no traces",
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: webUrl()
    .optional()
    .register(docs, { group: "server", meaning: "The same for traces alone.", otherwise: "" }),
  OTEL_SERVICE_NAME: z.string().default("mixcache").register(docs, {
    group: "server",
    meaning: "What the service is called in traces.",
  }),
  OTEL_SDK_DISABLED: z.string().optional(),
};
