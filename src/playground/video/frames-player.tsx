/** Plays frames where there is no file of them. */

import { frameOf } from "../compare/nearness.ts";
import { Transport } from "../compare/transport.tsx";
import { useClock } from "../compare/use-clock.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { FrameCanvas } from "./frame-canvas.tsx";
import type { Shown } from "./scale.ts";

export interface FramesPlayerProps {
  readonly video: MadeVideo;
  readonly shown: Shown;
  readonly label: string;
}

export function FramesPlayer({ video, shown, label }: FramesPlayerProps) {
  const loaded = useLoaded(video.id, () => library.frames(video));
  const clock = useClock({ count: video.frames, fps: video.fps });
  if (loaded.is === "failed") return <Problem sentence={loaded.sentence} />;
  if (loaded.is === "loading") return null;
  return (
    <div class="frames-player">
      <FrameCanvas
        picture={frameOf(loaded.value.frames, clock.frame)}
        size={video}
        shown={shown}
        label={label}
      />
      <Transport clock={clock} count={video.frames} />
    </div>
  );
}
