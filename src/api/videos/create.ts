/** `POST /v1/videos` and its remix: read, check, price, create. */

import type { Context } from "hono";
import { invalid } from "../../errors.ts";
import {
  type CreateVideo as CreateWish,
  fingerprint,
  holdFor,
  mostUsage,
  termsOf,
  type VideoRequest,
  WEBHOOK_EVENTS,
} from "../../jobs/index.ts";
import {
  CREATE_FORM,
  type CreateVideo,
  createVideoSchema,
  REFUSED_FIELDS,
  remixSchema,
} from "../../schemas/create-video.ts";
import { checked } from "../../schemas/sentence.ts";
import { currentTraceparent, inSpan } from "../../telemetry/index.ts";
import { accountOf, isOperator } from "../auth.ts";
import { readBody } from "../body.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import type { Streams } from "../streams.ts";
import { idOf } from "./id.ts";
import { presentVideo } from "./present.ts";
import { waited } from "./wait.ts";
import { type Wish, wishOf } from "./wish.ts";

const PARAMETERS = Object.keys(createVideoSchema.shape);
const KEY = /^[\x21-\x7e]{1,255}$/;

/** The handler; an authenticated request comes in. */
export function createVideo(options: ApiOptions, streams: Streams) {
  return async (c: Context<ApiEnv>): Promise<Response> =>
    create(c, options, { asked: await askedIn(c), origin: {}, streams });
}

/** The handler of a remix: the settings and the seed of a video, with another prompt. */
export function remixVideo(options: ApiOptions, streams: Streams) {
  return async (c: Context<ApiEnv>): Promise<Response> => {
    const body = await readBody(c, { refused: REFUSED_FIELDS });
    const { prompt } = checked(remixSchema, body, Object.keys(remixSchema.shape));
    const source = await options.jobs.get(accountOf(c), idOf(c));
    const asked = { ...askedAgain(source.request), prompt };
    return create(c, options, { asked, origin: { remixedFrom: source.id }, streams });
  };
}

/** What a body asks for. @throws MixcacheError of its shape */
export async function askedIn(c: Context<ApiEnv>): Promise<CreateVideo> {
  const body = await readBody(c, { kinds: CREATE_FORM, refused: REFUSED_FIELDS });
  const asked = checked(createVideoSchema, body, PARAMETERS);
  if (asked.webhook_url === undefined && asked.webhook_events)
    invalid("webhook_events", "webhook_events is for webhook_url, which is missing.");
  return asked;
}

/** A wish with the most that it may use, and its price. */
export function pricedWish(asked: CreateVideo, { models, random, currency }: ApiOptions) {
  const drawSeed = () => BigInt(Math.floor(random() * 2 ** 32));
  const wish: Wish = wishOf(asked, models, drawSeed);
  const { model, settings, request } = wish;
  const { price, manifest } = model;
  const terms = termsOf(price, currency);
  const bounds = { manifest, settings, fps: request.fps };
  return {
    ...wish,
    terms,
    most: mostUsage(bounds, price.slowest_tflops),
    hold: holdFor(price, terms, bounds),
  };
}

interface Asked {
  readonly asked: CreateVideo;
  readonly origin: Pick<CreateWish, "remixedFrom">;
  readonly streams: Streams;
}

async function create(
  c: Context<ApiEnv>,
  options: ApiOptions,
  { asked, origin, streams }: Asked,
): Promise<Response> {
  const { jobs, webhooks } = options;
  if (asked.webhook_url !== undefined) await webhooks.checkRequestUrl(accountOf(c), asked.webhook_url);
  const { model, request, terms, hold, most } = pricedWish(asked, options);
  const { prompt, negative_prompt } = request;
  await options.moderate?.({ kind: "prompt", prompt, negative_prompt, model: model.id });
  const principal = c.get("principal");
  const { seed, ...rest } = request;
  const wish: CreateWish = {
    accountId: accountOf(c),
    ...(!isOperator(principal) && { keyId: principal.keyId }),
    ...(principal.limits.spendCap && { spendCap: principal.limits.spendCap }),
    request,
    bundleDigest: model.digest,
    terms,
    hold,
    mostFlops: most.flops,
    // A seed that was drawn here is no part of what was asked for.
    fingerprint: fingerprint({ ...(asked.seed === undefined ? rest : { ...rest, seed }), ...origin }),
    ...(asked.deadline_seconds !== undefined && { deadlineSeconds: asked.deadline_seconds }),
    ...origin,
    ...sameAsBefore(c),
  };
  const { video: fresh, replayed } = await inSpan("video.create", { kind: "producer" }, async (span) => {
    const traceparent = currentTraceparent();
    const created = await jobs.create({ ...wish, ...(traceparent !== undefined && { traceparent }) });
    span.set({ "mixcache.video_id": created.video.id, "mixcache.replayed": created.replayed });
    return created;
  });
  if (replayed) c.header("idempotent-replayed", "true");
  const video = await waited(c, options, streams, fresh);
  const places = video.status === "queued" ? await jobs.places([video.id]) : undefined;
  return c.json(presentVideo(video, places?.get(video.id)));
}

/** A video's request as somebody would have to ask for it. */
function askedAgain({ width, height, num_frames, ...request }: VideoRequest): CreateVideo {
  const { seconds, webhook_events: events, ...rest } = request;
  return {
    ...rest,
    size: `${width}x${height}`,
    cache: { ...request.cache },
    metadata: { ...request.metadata },
    num_frames,
    ...(seconds !== undefined && { seconds }),
    ...(events && { webhook_events: WEBHOOK_EVENTS.filter((event) => events.includes(event)) }),
  };
}

/** By which earlier request this one may have been sent before. */
function sameAsBefore(c: Context<ApiEnv>): Pick<CreateWish, "idempotencyKey" | "retry"> {
  const key = c.req.header("idempotency-key");
  if (key !== undefined) {
    if (!KEY.test(key))
      invalid(
        "Idempotency-Key",
        "The Idempotency-Key can't be used: it must be 1 to 255 visible ASCII characters.",
      );
    return { idempotencyKey: key };
  }
  return Number(c.req.header("x-stainless-retry-count")) > 0 ? { retry: true } : {};
}
