/** Who starts a worker somewhere. KEDA needs none of this: it reads the scale number and starts Jobs itself. */

/** Which platform is asked, and for what. */
export type LauncherPlace =
  | { readonly kind: "local" }
  | { readonly kind: "batch"; readonly queue: string; readonly definition: string }
  /** `projects/…/locations/…/jobs/…` */
  | { readonly kind: "cloud-run-jobs"; readonly job: string };

export interface Launcher {
  /**
   * Asks for one worker, which is told its id by the variable WORKER_ID and drains the queue. Whether it comes is seen
   * in the table of workers, not here.
   * @returns what the platform calls it
   * @throws MixcacheError `launch_failed`
   */
  launch(workerId: string): Promise<string>;
}

/** The variable that tells a worker its id. */
export const WORKER_ID = "WORKER_ID";
