/** The clock of a comparison on the page's own time. */

import { useEffect, useState } from "preact/hooks";
import { type ClockState, frameAt, pause, play, type Reel, STOPPED, seek, stepBy } from "./clock.ts";

/** What is shown now, and what can be done about it. */
export interface Clock {
  readonly frame: number;
  readonly playing: boolean;
  toggle(): void;
  seek(frame: number): void;
  /** Stops, and goes so many frames on. */
  stepBy(frames: number): void;
}

/** Plays at once, unless this person wants less motion. */
export function useClock({ count, fps }: Reel): Clock {
  const reel = { count, fps };
  const [state, setState] = useState<ClockState>(() =>
    matchMedia("(prefers-reduced-motion: reduce)").matches ? STOPPED : play(STOPPED, reel, now()),
  );
  const [frame, setFrame] = useState(0);
  useEffect(() => {
    let request = 0;
    const show = () => {
      setFrame(frameAt(state, reel, now()));
      if (state.playing) request = requestAnimationFrame(show);
    };
    show();
    return () => cancelAnimationFrame(request);
  }, [state, count, fps]);
  return {
    frame: Math.min(frame, count - 1),
    playing: state.playing,
    toggle: () => setState((before) => (before.playing ? pause : play)(before, reel, now())),
    seek: (to) => setState((before) => seek(before, reel, to, now())),
    stepBy: (frames) => setState((before) => stepBy(before, reel, frames, now())),
  };
}

function now(): number {
  return performance.now();
}
