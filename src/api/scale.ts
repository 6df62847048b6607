/** `GET /internal/scale`: how many workers there should be, for scalers of the operator's. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Scale } from "../jobs/index.ts";
import type { ApiEnv, ApiOptions } from "./context.ts";
import { internalOnly } from "./internal.ts";
import { addOperation } from "./operation.ts";

const count = () => z.int().min(0);
const ScaleNumber = z
  .object({
    desired: count(),
    missing: count(),
    busy: count(),
    idle: count(),
    starting: count(),
    queued: count(),
    startable: count(),
    backlog_gpu_seconds: z.number(),
    oldest_seconds: z.number(),
    target_wait_seconds: count(),
    max: count(),
  })
  .openapi("ScaleNumber");

/** Adds it to an app. */
export function addScaleRoute(app: OpenAPIHono<ApiEnv>, options: ApiOptions): void {
  addOperation(app, {
    method: "get",
    path: "/internal/scale",
    id: "scale",
    summary: "How many workers there should be, and why",
    description: "For the operator's key, or INTERNAL_TOKEN.",
    tag: "Health",
    success: { schema: ScaleNumber },
    key: internalOnly(options),
    handle: async (c) => {
      c.header("cache-control", "no-store");
      return c.json(presented(await options.scale()));
    },
  });
}

function presented(scale: Scale): z.infer<typeof ScaleNumber> {
  const { desired, missing, busy, idle, starting, queued, startable, max } = scale;
  return {
    desired,
    missing,
    busy,
    idle,
    starting,
    queued,
    startable,
    backlog_gpu_seconds: scale.backlogGpuSeconds,
    oldest_seconds: scale.oldestSeconds,
    target_wait_seconds: scale.targetWaitSeconds,
    max,
  };
}
