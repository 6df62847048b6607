/**
 * What this process's videos show, gathered and added to the store's sums by conditional puts. What could not be added
 * stays and goes with what comes next.
 */

import { type ProfileKey, profileName } from "../../engine/cache/profile.ts";
import type { Log } from "../../logging.ts";
import { MAX_PROFILE_BYTES, observedObject } from "./fetched-profiles.ts";
import type { ReadObject } from "./objects.ts";
import { mergeObservations, type Observations, readObservations, writeObservations } from "./observations.ts";
import { type Changing, updateObject } from "./update.ts";

export interface ObservedProfilesOptions extends Pick<Changing, "store" | "timing" | "random"> {
  readonly log: Log;
}

/** Between two writes of a settings' sums by one process; a fleet shares one object. */
const LEAST_PAUSE_MS = 60_000;

export class ObservedProfiles {
  readonly #options: ObservedProfilesOptions;
  readonly #pending = new Map<string, Observations>();
  readonly #writtenMs = new Map<string, number>();
  /** Settings whose sums could not be written the last time, and of which the log knows. */
  readonly #failing = new Set<string>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ObservedProfilesOptions) {
    this.#options = options;
  }

  /** Takes note of what a video showed, and writes where nothing was written for a while. */
  add(observations: Observations): void {
    const name = profileName(observations.key);
    const before = this.#pending.get(name);
    this.#pending.set(name, before ? mergeObservations(before, observations) : observations);
    const due = (this.#writtenMs.get(name) ?? Number.NEGATIVE_INFINITY) + LEAST_PAUSE_MS;
    if (this.#options.timing.nowMs() >= due) void this.flush();
  }

  /** Writes everything that is noted. Never rejects; what the store does not take stays noted. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      for (const [name, observations] of [...this.#pending]) await this.#write(name, observations);
    });
    return this.#writing;
  }

  async #write(name: string, observations: Observations): Promise<void> {
    const { log, timing } = this.#options;
    this.#pending.delete(name);
    this.#writtenMs.set(name, timing.nowMs());
    try {
      await updateObject({
        ...this.#options,
        key: observedObject(observations.key),
        maxBytes: MAX_PROFILE_BYTES,
        change: (before) => writeObservations(this.#sum(observations.key, before, observations)),
      });
      this.#failing.delete(name);
    } catch (error) {
      const newer = this.#pending.get(name);
      this.#pending.set(name, newer ? mergeObservations(observations, newer) : observations);
      if (this.#failing.has(name)) return;
      this.#failing.add(name);
      log.warn({ profile: name, error }, "what videos showed could not be written to the store; it is kept");
    }
  }

  /** What is there and no sum is replaced: counts are of no use to anybody once they can't be trusted. */
  #sum(key: ProfileKey, before: ReadObject | undefined, own: Observations): Observations {
    if (!before) return own;
    try {
      const there = readObservations(new TextDecoder().decode(before.bytes), observedObject(key));
      if (profileName(there.key) === profileName(key)) return mergeObservations(there, own);
    } catch (error) {
      this.#options.log.warn({ profile: profileName(key), error }, "the store's observations begin anew");
    }
    return own;
  }
}
