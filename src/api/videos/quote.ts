/** `POST /v1/videos/quote`: what a video would cost. Creates nothing. */

import { isDeepStrictEqual } from "node:util";
import type { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { fullRequest } from "../../engine/cache/policies.ts";
import type { Micros, PriceTerms, Usage } from "../../jobs/index.ts";
import { createVideoSchema } from "../../schemas/create-video.ts";
import { quoteSchema } from "../../schemas/usage.ts";
import { authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { addOperation } from "../operation.ts";
import { decimal, scaled, thousandths, unitPrice } from "../present.ts";
import { askedIn, pricedWish } from "./create.ts";

const Quote = quoteSchema.openapi("Quote");
const CreateVideo = createVideoSchema.openapi("CreateVideo");

type Basis = z.infer<typeof quoteSchema>["basis"];

/** With fewer videos than this chance says more than they do. */
const LEAST_VIDEOS = 3;

/** Adds it to an app. */
export function addQuoteRoute(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  addOperation(app, {
    method: "post",
    path: "/v1/videos/quote",
    id: "quoteVideo",
    summary: "What a video would cost",
    description: "Takes what creating a video takes, and creates nothing.",
    tag: "Videos",
    body: { schema: CreateVideo, form: true },
    success: { schema: Quote },
    failures: [400, 413, 415],
    key: authenticated(options.accounts, "videos:read"),
    handle: (c) => quote(c, options),
  });
}

async function quote(c: Context<ApiEnv>, options: ApiOptions): Promise<Response> {
  const wish = pricedWish(await askedIn(c), options);
  const { model, terms, hold, most } = wish;
  const { part, whole, basis } = await expectation(options, wish);
  const units = unitsOf(terms.unit, most);
  const answer: z.infer<typeof quoteSchema> = {
    object: "video.quote",
    model: model.id,
    currency: terms.currency,
    unit: terms.unit,
    unit_price: unitPrice(terms.microsPerUnit),
    expected: {
      amount: decimal(roundedUp(hold * part, whole)),
      units: unitText(terms.unit, roundedUp(units * part, whole)),
    },
    max: { amount: decimal(hold), units: unitText(terms.unit, units) },
    basis,
  };
  return c.json(answer);
}

/** Which part of the maximum is expected, and why. */
async function expectation(
  { reports }: ApiOptions,
  { model, request, terms }: ReturnType<typeof pricedWish>,
): Promise<{ part: bigint; whole: bigint; basis: Basis }> {
  const { videos, cost, hold } = await reports.pastCharges(request, terms.unit);
  if (videos >= LEAST_VIDEOS)
    return { part: cost, whole: hold, basis: { kind: "recent_videos", videos, preset: null } };
  const { policy, preset } = request.cache;
  // As measured: the preset and nothing else; the request has every default filled in.
  const isMeasured =
    policy === "mixcache" && isDeepStrictEqual(request.cache, fullRequest({ policy, preset }));
  const speedup = isMeasured ? model.presets?.get(String(preset)) : undefined;
  // The other units don't go by what is computed.
  if (speedup !== undefined && terms.unit === "tflop")
    return {
      part: 1_000_000n,
      whole: BigInt(Math.round(speedup * 1_000_000)),
      basis: { kind: "measured_preset", videos: null, preset: String(preset) },
    };
  return { part: 1n, whole: 1n, basis: { kind: "maximum", videos: null, preset: null } };
}

function roundedUp(amount: Micros, by: bigint): Micros {
  return (amount + by - 1n) / by;
}

/** FLOPs, or milliseconds. */
function unitsOf(unit: PriceTerms["unit"], { flops, engineMs, videoMs }: Usage): bigint {
  if (unit === "tflop") return flops;
  return unit === "gpu_second" ? engineMs : videoMs;
}

function unitText(unit: PriceTerms["unit"], amount: bigint): string {
  return unit === "tflop" ? scaled(amount, 12) : thousandths(amount);
}
