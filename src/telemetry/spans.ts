/** Spans by OpenTelemetry's interface, which does nothing until `startTracing` has given it something to do. */

import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { MixcacheError } from "../errors.ts";

/** A request that is answered, something put into or taken out of the queue, a call of another part, or work here. */
export type SpanKindName = "server" | "producer" | "consumer" | "client" | "internal";

const KINDS: Readonly<Record<SpanKindName, SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
};

export interface SpanOptions {
  readonly kind?: SpanKindName;
  readonly attributes?: Attributes;
  /** W3C Trace Context of what it belongs to, from another process. Default: the span around it. */
  readonly traceparent?: string | undefined;
}

/** What can be said of a span while it lasts. */
export interface SpanNotes {
  rename(name: string): void;
  set(attributes: Attributes): void;
  /** It did not do what it was to do; `type` is a stable code. */
  fail(type: string): void;
}

/** Runs the work in a span. Of what it throws the code is noted and no message, which might quote a prompt. */
export async function inSpan<T>(
  name: string,
  { kind = "internal", attributes = {}, traceparent }: SpanOptions,
  work: (notes: SpanNotes) => Promise<T>,
): Promise<T> {
  const parent = traceparent === undefined ? context.active() : contextOf(traceparent);
  const span = trace.getTracer("mixcache").startSpan(name, { kind: KINDS[kind], attributes }, parent);
  const notes: SpanNotes = {
    rename: (to) => span.updateName(to),
    set: (more) => span.setAttributes(more),
    fail: (type) => span.setAttribute("error.type", type).setStatus({ code: SpanStatusCode.ERROR }),
  };
  try {
    return await context.with(trace.setSpan(parent, span), () => work(notes));
  } catch (error) {
    notes.fail(error instanceof MixcacheError ? error.code : "fault");
    throw error;
  } finally {
    span.end();
  }
}

/** The span around, for another process; undefined where nothing is traced. */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}
