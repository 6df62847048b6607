/** Somebody with an account of a cell, who uses it through the edge by the stock client. */

import OpenAI from "openai";
import type { Cell, KeyOfAccount } from "../support/cell.ts";
import { type Receiver, startReceiver, verified } from "../support/receiver.ts";
import { type SseEvent, SseReader } from "../support/sse.ts";

export interface Caller extends KeyOfAccount {
  /** Says at once what the edge says. */
  readonly client: OpenAI;
  /** Tries again, as clients do by themselves, for longer than a cell is away. */
  readonly patient: OpenAI;
  /** Where the account's webhook leads. */
  readonly receiver: Receiver;
  /** Of that webhook. */
  readonly secret: string;
}

/** Of a video, as its webhooks told it. */
export interface Told {
  /** The same in every attempt to tell it. */
  readonly id: string;
  readonly type: string;
}

/** Makes an account of a cell, whose webhook leads to a receiver on this machine. */
export async function callerOf(edgeUrl: string, cell: Cell): Promise<Caller> {
  const made = await cell.account("end to end");
  const options = { baseURL: `${edgeUrl}/v1`, apiKey: made.key };
  const client = new OpenAI({ ...options, maxRetries: 0 });
  const receiver = await startReceiver();
  const hook = { body: { url: `${receiver.origin}/hook` } };
  const { secret } = (await client.post("/webhooks", hook)) as { readonly secret: string };
  return { ...made, client, patient: new OpenAI({ ...options, maxRetries: 100 }), receiver, secret };
}

/** Asks for a video. What the client's types don't know of goes in with a cast, as callers do it. */
export function create(client: OpenAI, fields: object, idempotencyKey?: string) {
  const wish = { prompt: "a red circle moves left", output_format: "webp", ...fields };
  return client.videos.create(wish as OpenAI.VideoCreateParams, {
    ...(idempotencyKey !== undefined && { headers: { "idempotency-key": idempotencyKey } }),
  });
}

/**
 * Follows a video until its stream ends, or breaks off.
 * @param after the id of the last event that is known already
 */
export async function* follow(client: OpenAI, id: string, after?: string): AsyncGenerator<SseEvent> {
  const response = await client
    .get(`/videos/${id}/events`, {
      headers: { accept: "text/event-stream", ...(after !== undefined && { "last-event-id": after }) },
    })
    .asResponse();
  const reader = new SseReader();
  if (!response.body) return;
  for await (const bytes of response.body) {
    // Those without an id are of the moment, such as progress, and not told again.
    for (const event of reader.read(bytes)) if (event.id !== undefined) yield event;
  }
}

/** What the account's receiver was told of a video, each once; every request's signature is verified. */
export function told({ receiver, secret }: Caller, video: string): readonly Told[] {
  const all = receiver.received.map((received) => {
    const { type, data } = verified(secret, received, Date.now()) as { type: string; data: { id: string } };
    return { video: data.id, told: [received.id, { id: received.id, type }] as const };
  });
  return [...new Map(all.filter((one) => one.video === video).map((one) => one.told)).values()];
}
