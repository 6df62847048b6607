/** One clock for several videos: which frame is shown now. Times come in from outside, in milliseconds. */

export interface ClockState {
  readonly playing: boolean;
  /** The frame that was shown at `sinceMs`, with its fraction. */
  readonly frame: number;
  readonly sinceMs: number;
}

/** What is played. */
export interface Reel {
  /** Frames of the longest video, at least 1. */
  readonly count: number;
  readonly fps: number;
}

export const STOPPED: ClockState = { playing: false, frame: 0, sinceMs: 0 };

/** The whole frame to show, from 0; at the end it begins again. */
export function frameAt(clock: ClockState, reel: Reel, nowMs: number): number {
  return Math.floor(positionAt(clock, reel, nowMs)) % reel.count;
}

export function play(clock: ClockState, reel: Reel, nowMs: number): ClockState {
  return { playing: true, frame: positionAt(clock, reel, nowMs), sinceMs: nowMs };
}

/** Stays at the frame that is shown. */
export function pause(clock: ClockState, reel: Reel, nowMs: number): ClockState {
  return { playing: false, frame: frameAt(clock, reel, nowMs), sinceMs: nowMs };
}

/** Goes to a frame; what plays goes on from there. */
export function seek(clock: ClockState, reel: Reel, frame: number, nowMs: number): ClockState {
  return { ...clock, frame: Math.min(Math.max(0, frame), reel.count - 1), sinceMs: nowMs };
}

/** Stops, and shows the frame so many after the one that is shown; around the end. */
export function stepBy(clock: ClockState, reel: Reel, frames: number, nowMs: number): ClockState {
  const shown = frameAt(clock, reel, nowMs);
  const frame = (((shown + frames) % reel.count) + reel.count) % reel.count;
  return { playing: false, frame, sinceMs: nowMs };
}

function positionAt({ playing, frame, sinceMs }: ClockState, { count, fps }: Reel, nowMs: number): number {
  if (!playing) return frame;
  // Rounded, as 3 times an eighth of a second must be the third frame and not the second.
  const frames = frame + Math.round(Math.max(0, nowMs - sinceMs) * fps * 1000) / 1e6;
  return frames % count;
}
