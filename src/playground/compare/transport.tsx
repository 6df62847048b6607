import { Icon } from "../parts/icons.tsx";
import type { Clock } from "./use-clock.ts";

/** Play, pause, a frame back and on, and a scrubber. */
export function Transport({ clock, count }: { readonly clock: Clock; readonly count: number }) {
  return (
    <div class="transport">
      <button type="button" class="quiet" aria-label="One frame back" onClick={() => clock.stepBy(-1)}>
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={clock.playing ? "Pause" : "Play"}
        onClick={() => clock.toggle()}
      >
        <Icon name={clock.playing ? "pause" : "play"} />
      </button>
      <button type="button" class="quiet" aria-label="One frame on" onClick={() => clock.stepBy(1)}>
        <Icon name="forward" />
      </button>
      <input
        type="range"
        aria-label="Frame"
        min={0}
        max={count - 1}
        step={1}
        value={clock.frame}
        aria-valuetext={`Frame ${clock.frame + 1} of ${count}`}
        onInput={(event) => clock.seek(Number(event.currentTarget.value))}
      />
      <span class="number">
        {clock.frame + 1} / {count}
      </span>
    </div>
  );
}
