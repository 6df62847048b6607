/** Workers as executions of a Cloud Run job. The token is that of the machine this runs on. */

import { z } from "zod";
import { MixcacheError, messageOf } from "../errors.ts";
import { type Launcher, WORKER_ID } from "./contract.ts";

export interface CloudRunJobsOptions {
  /** `projects/…/locations/…/jobs/…`; its command is `worker --drain`. */
  readonly job: string;
  readonly fetch: typeof globalThis.fetch;
  /** Google's, unless a test has its own. */
  readonly api?: string;
  readonly metadata?: string;
}

const API = "https://run.googleapis.com";
const METADATA = "http://metadata.google.internal";
const TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token";
const TIMEOUT_MS = 10_000;
const MOST_OF_A_REFUSAL = 300;

const tokenSchema = z.object({ access_token: z.string().min(1) });
const operationSchema = z.object({ name: z.string() });

/** https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run */
export function cloudRunJobsLauncher(options: CloudRunJobsOptions): Launcher {
  const { job, fetch, api = API, metadata = METADATA } = options;
  const read = async (url: string, init: RequestInit) => {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text.slice(0, MOST_OF_A_REFUSAL)}`);
    return JSON.parse(text) as unknown;
  };
  return {
    async launch(workerId) {
      try {
        const headers = { "metadata-flavor": "Google" };
        const { access_token: token } = tokenSchema.parse(
          await read(`${metadata}${TOKEN_PATH}`, { headers }),
        );
        const env = [{ name: WORKER_ID, value: workerId }];
        const operation = await read(`${api}/v2/${job}:run`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ overrides: { containerOverrides: [{ env }], taskCount: 1 } }),
        });
        return operationSchema.parse(operation).name;
      } catch (error) {
        throw new MixcacheError(
          "launch_failed",
          `Cloud Run did not take a worker (${messageOf(error)}). Check CLOUD_RUN_JOB, that this runs on Google Cloud, and that its service account has run.jobs.runWithOverrides on the job.`,
          { cause: error },
        );
      }
    },
  };
}
