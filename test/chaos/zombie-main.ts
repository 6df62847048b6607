/** A worker that is told each step: it takes, is stopped, and after it was resumed tries all that it must not do. */

import { codeOf } from "../../src/jobs/again.ts";
import type { Taken } from "../../src/jobs/index.ts";
import { given } from "./processes.ts";
import { openWorld, type Place } from "./world.ts";

export interface ZombieGiven {
  readonly place: Place;
}

/** What a resumed worker was told. */
export interface ZombieTale {
  readonly settle: string;
  readonly handBack: string;
  readonly heartbeat: string;
}

if (import.meta.main) {
  const { jobs, store } = await openWorld(given<ZombieGiven>().place);
  let taken: Taken | undefined;
  const attempt = async (work: Promise<unknown>) =>
    work.then(
      () => "accepted",
      (error: unknown) => codeOf(error) ?? String(error),
    );
  process.on("message", async (order) => {
    if (order === "take") {
      taken = await jobs.take();
      process.send?.(taken?.video.id ?? "nothing");
    } else if (taken) {
      const key = `videos/${taken.video.id}/${taken.attempt}/video.webp`;
      const written = await store.put(key, Buffer.from("a zombie's"));
      const video = { key, ...written, contentType: "image/webp" };
      const usage = { flops: 999_999_999_999n, engineMs: 1n, videoMs: 1n };
      const tale: ZombieTale = {
        heartbeat: await jobs.heartbeat(taken, { percent: 99 }),
        settle: await attempt(jobs.settle(taken, { kind: "completed", result: { video }, usage })),
        handBack: await attempt(jobs.handBack(taken)),
      };
      process.send?.(tale);
    }
  });
  process.send?.("ready");
}
