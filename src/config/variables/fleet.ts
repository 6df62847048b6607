/** How many workers there are, and who starts them. */

import { z } from "zod";
import { docs, oneOf, whole } from "./rules.ts";

/** Scaling and launchers. */
export const fleet = {
  MAX_WORKERS: whole(0, 100_000).default(10).register(docs, {
    group: "fleet",
    meaning: "The most workers that the [scale number](operate.md#the-scale-number) asks for.",
  }),
  TARGET_WAIT_SECONDS: whole(1, 86_400, " of seconds").default(60).register(docs, {
    group: "fleet",
    meaning:
      "How long what is queued may take to be made: where the workers at work would need longer, there are to be more.",
  }),
  WORKER_START_SECONDS: whole(10, 7200, " of seconds").default(900).register(docs, {
    group: "fleet",
    meaning:
      "How long a platform may take until a worker that it was asked for gives a sign of life. Then another one is asked for.",
  }),
  LAUNCHER: oneOf("none", "local", "batch", "cloud-run-jobs").default("none").register(docs, {
    group: "fleet",
    meaning:
      "Who `mixcache tick` asks for missing workers: nobody (`none`; KEDA needs no launcher), this machine (`local`), AWS Batch (`batch`) or Cloud Run Jobs (`cloud-run-jobs`).",
  }),
  BATCH_JOB_QUEUE: z.string().optional().register(docs, {
    group: "fleet",
    meaning: "Name or ARN of AWS Batch's job queue. Region and credentials are by AWS's own chain.",
    otherwise: "needed by `LAUNCHER=batch`",
  }),
  BATCH_JOB_DEFINITION: z.string().optional().register(docs, {
    group: "fleet",
    meaning: "Name or ARN of the job definition, whose command is `worker --drain`.",
    otherwise: "needed by `LAUNCHER=batch`",
  }),
  CLOUD_RUN_JOB: z
    .string()
    .regex(/^projects\/[^/]+\/locations\/[^/]+\/jobs\/[^/]+$/, "it must be projects/…/locations/…/jobs/…")
    .optional()
    .register(docs, {
      group: "fleet",
      meaning: "The Cloud Run job, `projects/…/locations/…/jobs/…`, whose command is `worker --drain`.",
      otherwise: "needed by `LAUNCHER=cloud-run-jobs`",
    }),
  WORKER_ID: z
    .string()
    .regex(/^[\w-]{1,64}$/, "it must be up to 64 letters, digits, - and _")
    .optional()
    .register(docs, {
      group: "fleet",
      meaning: "By what a launcher knows the worker that it starts; launchers set it, nobody else.",
      otherwise: "a random one",
    }),
};
