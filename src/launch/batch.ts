/** Workers as jobs of AWS Batch, whose compute environment goes down to no machine at all. */

import { BatchClient, SubmitJobCommand } from "@aws-sdk/client-batch";
import { MixcacheError, messageOf } from "../errors.ts";
import { type Launcher, WORKER_ID } from "./contract.ts";

export interface BatchOptions {
  /** Name or ARN. */
  readonly queue: string;
  /** Name, name:revision or ARN; its command is `worker --drain`. */
  readonly definition: string;
  /** Region and credentials are by AWS's own chain where this is left out. */
  readonly client?: BatchClient;
}

/** https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html */
export function batchLauncher({ queue, definition, client: given }: BatchOptions): Launcher {
  // A request that was lost on the way may have been heard: the next tick tries again, once it is known to be missing.
  const client = given ?? new BatchClient({ maxAttempts: 1 });
  return {
    async launch(workerId) {
      try {
        const { jobId } = await client.send(
          new SubmitJobCommand({
            jobName: `mixcache-${workerId}`,
            jobQueue: queue,
            jobDefinition: definition,
            containerOverrides: { environment: [{ name: WORKER_ID, value: workerId }] },
          }),
        );
        return jobId ?? "";
      } catch (error) {
        throw new MixcacheError(
          "launch_failed",
          `AWS Batch did not take a worker (${messageOf(error)}). Check BATCH_JOB_QUEUE, BATCH_JOB_DEFINITION and the right to batch:SubmitJob on both.`,
          { cause: error },
        );
      }
    },
  };
}
