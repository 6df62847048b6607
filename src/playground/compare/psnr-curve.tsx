/** PSNR over the frames, above the scrubber. */

import { PSNR_OF_EQUALS } from "../../engine/metrics/psnr.ts";
import { decibels, type Nearness } from "./nearness.ts";

export interface PsnrCurveProps {
  readonly near: Nearness;
  /** The one that is shown. */
  readonly frame: number;
  readonly onSeek: (frame: number) => void;
}

/** Below this everything is far away, and the bars would only be flat. */
const LOWEST_DB = 15;
/** Above it nobody sees a difference in bars. */
const HIGHEST_DB = 70;

export function PsnrCurve({ near, frame, onSeek }: PsnrCurveProps) {
  return (
    <div class="psnr">
      <p>
        <strong class="number">{decibels(near.frames[frame] ?? PSNR_OF_EQUALS)}</strong> in this frame ·{" "}
        <span class="number">{decibels(near.mean)}</span> on average
      </p>
      {/* The scrubber below does the same for the keyboard. */}
      <div class="bars" aria-hidden="true">
        {near.frames.map((value, at) => (
          <span
            key={at}
            class="bar"
            data-shown={at === frame || undefined}
            title={`Frame ${at + 1}: ${decibels(value)}`}
            onPointerDown={() => onSeek(at)}
          >
            <span style={{ height: `${barHeight(value)}%` }} />
          </span>
        ))}
      </div>
    </div>
  );
}

function barHeight(value: number): number {
  const share = (Math.min(value, HIGHEST_DB) - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB);
  return Math.max(4, share * 100);
}
