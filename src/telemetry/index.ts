/** What an operator sees of a running service: metrics and traces; neither has prompts, nor says whose a video is. */

export { type HouseTotals, Metrics, type MetricsOptions } from "./metrics.ts";
export { currentTraceparent, inSpan, type SpanKindName, type SpanNotes, type SpanOptions } from "./spans.ts";
export { startTracing } from "./tracing.ts";
