/** `GET /v1/models`: what this server makes videos with, and what each can do. */

import type { OpenAPIHono, z } from "@hono/zod-openapi";
import { MixcacheError } from "../errors.ts";
import { modelListSchema, modelSchema } from "../schemas/model.ts";
import { authenticated } from "./auth.ts";
import type { ApiEnv, ApiOptions, ServedModel } from "./context.ts";
import { failureOf, respondWith } from "./errors.ts";
import { addOperation, parameter } from "./operation.ts";
import { unitPrice, unixSeconds } from "./present.ts";
import { lengthsOf, sizesOf } from "./videos/abilities.ts";
import { secondsOf } from "./videos/present.ts";

const Model = modelSchema.openapi("Model");
const ModelList = modelListSchema.openapi("ModelList");
const TAG = "Models";

/** Adds `/v1/models` to an app. */
export function addModelRoutes(
  app: OpenAPIHono<ApiEnv>,
  { accounts, models, now, currency }: ApiOptions,
): void {
  const key = authenticated(accounts, "videos:read");
  const created = unixSeconds(now());
  addOperation(app, {
    method: "get",
    path: "/v1/models",
    id: "listModels",
    summary: "List models",
    tag: TAG,
    success: { schema: ModelList },
    key,
    handle: (c) =>
      c.json({ object: "list", data: models.map((model) => presentModel(model, currency, created)) }),
  });
  addOperation(app, {
    method: "get",
    path: "/v1/models/{id}",
    id: "getModel",
    summary: "Retrieve a model",
    tag: TAG,
    success: { schema: Model },
    failures: [404],
    key,
    handle: (c) => {
      const id = parameter(c, "id");
      const found = models.find((model) => model.id === id);
      if (!found) return respondWith(c, { ...failureOf(noModel(id, models)), status: 404 });
      return c.json(presentModel(found, currency, created));
    },
  });
}

/** In a request for a video the same is a 400: there the model is a field, here it is the address. */
function noModel(id: string, models: readonly ServedModel[]): MixcacheError {
  const names = models.map((model) => model.id).join(", ");
  return new MixcacheError(
    "model_not_found",
    `There is no model ${id.slice(0, 100)} here; there is ${names}.`,
    {
      field: "model",
    },
  );
}

function presentModel(model: ServedModel, currency: string, created: number): z.infer<typeof modelSchema> {
  const { manifest, price } = model;
  const { video } = manifest;
  const { width, height, frames, fps } = video.default;
  return {
    id: model.id,
    object: "model",
    created,
    owned_by: "mixcache",
    title: manifest.title,
    description: manifest.description,
    license: manifest.license,
    digest: `sha256:${model.digest}`,
    defaults: {
      size: `${width}x${height}`,
      seconds: secondsOf(frames, fps),
      num_frames: frames,
      fps,
      num_inference_steps: manifest.default_steps,
      output_format: model.formats[0],
    },
    limits: {
      width: video.width,
      height: video.height,
      num_frames: video.frames,
      num_inference_steps: { min: 1, max: manifest.max_steps },
      sizes: sizesOf(manifest),
      seconds: lengthsOf(manifest, fps),
    },
    output_formats: [...model.formats],
    price: {
      currency,
      unit: price.unit,
      unit_price: unitPrice(price.micros),
    },
  };
}
