/** The video that the page makes now. It goes on whatever view is shown. */

import { signal } from "@preact/signals";
import { MixcacheError } from "../../errors.ts";
import type { Problems, VideoRequest } from "../settings/draft.ts";
import { problemsOf } from "../settings/draft.ts";
import type { Generator } from "./generator.ts";
import type { MadeVideo } from "./made-video.ts";
import { begun, type Ending, type RunState, told } from "./run-state.ts";

/** The run that goes on, or the last one; undefined before the first. */
export const run = signal<RunState | undefined>(undefined);
/** What the last request was refused for, by field. */
export const problems = signal<Problems>({});

let stop: AbortController | undefined;

export function isRunning(state: RunState | undefined): state is RunState {
  return state !== undefined && state.ending === undefined;
}

/** How a video is begun: anew, or by following one that is being made. */
export type Begin = (generator: Generator, ...rest: Parameters<Generator["generate"]>) => Promise<MadeVideo>;

const ANEW: Begin = (generator, ...rest) => generator.generate(...rest);

/**
 * Makes a video. One at a time: what runs must have ended.
 * @returns it, or undefined where it was stopped or failed, which `run` and `problems` tell
 */
export async function startRun(
  request: VideoRequest,
  generator: () => Promise<Generator>,
  { place, begin = ANEW }: { readonly place: RunState["place"]; readonly begin?: Begin },
): Promise<MadeVideo | undefined> {
  const mine = new AbortController();
  stop = mine;
  problems.value = {};
  run.value = begun(request, place);
  const change = (next: (state: RunState) => RunState) => {
    if (stop === mine && run.value) run.value = next(run.value);
  };
  const ended = (ending: Ending) => change((state) => ({ ...state, ending }));
  try {
    const made = await begin(
      await generator(),
      request,
      (event) => change((state) => told(state, event)),
      mine.signal,
    );
    ended({ is: "made", video: made });
    return made;
  } catch (error) {
    ended(endingOf(error));
    return undefined;
  }
}

/** Stops the run. It ends when who makes it says so. */
export function cancelRun(): void {
  stop?.abort();
}

function endingOf(error: unknown): Ending {
  if (!(error instanceof MixcacheError)) {
    console.error(error);
    return {
      is: "failed",
      sentence: "Something went wrong in the page. Load it again; the console has the details.",
    };
  }
  if (error.code === "aborted") return { is: "stopped" };
  problems.value = problemsOf(error.message, error.field);
  return { is: "failed", sentence: error.message };
}
