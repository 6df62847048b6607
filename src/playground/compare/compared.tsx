/** Two videos on one clock, their difference, and what each of them took. */

import type { RgbFrames } from "../../engine/frames.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { cacheWords } from "../settings/cache-choice.ts";
import { Timeline } from "../timeline/timeline.tsx";
import { VideoBox } from "../video/box.tsx";
import { FrameCanvas } from "../video/frame-canvas.tsx";
import { ComparisonTable } from "./comparison-table.tsx";
import { DIFFERENCE_GAIN, differenceOf, frameOf, type Nearness, nearness } from "./nearness.ts";
import { PsnrCurve } from "./psnr-curve.tsx";
import type { Side } from "./side.ts";
import { Transport } from "./transport.tsx";
import { useClock } from "./use-clock.ts";

interface Both {
  readonly sides: readonly [Side, Side];
  readonly near: Nearness | undefined;
}

export interface ComparedVideosProps {
  readonly reference: MadeVideo;
  readonly other: MadeVideo;
}

export function ComparedVideos({ reference, other }: ComparedVideosProps) {
  const loaded = useLoaded(`${reference.id} ${other.id}`, async (): Promise<Both> => {
    const sides = await Promise.all([sideOf(reference), sideOf(other)]);
    return { sides, near: nearness(sides[0].frames, sides[1].frames) };
  });
  if (loaded.is === "loading") return <p class="help">Decoding both videos …</p>;
  if (loaded.is === "failed") return <Problem sentence={loaded.sentence} />;
  return <Synced both={loaded.value} />;
}

async function sideOf(video: MadeVideo): Promise<Side> {
  const [frames, trace] = await Promise.all([library.frames(video), library.trace(video)]);
  return { video, ...frames, trace };
}

function Synced({ both: { sides, near } }: { readonly both: Both }) {
  const [first, second] = sides;
  const count = Math.max(first.frames.count, second.frames.count);
  const clock = useClock({ count, fps: first.video.fps });
  const shownOf = ({ frames }: Side) => frameOf(frames, Math.min(clock.frame, frames.count - 1));
  const [a, b] = [shownOf(first), shownOf(second)];
  return (
    <div class="compared">
      <div class="sides" data-count={near ? 3 : 2}>
        <Pane title={cacheWords(first.video.cache)} frame={a} />
        <Pane title={cacheWords(second.video.cache)} frame={b} />
        {near && <Pane title={`Difference, ${DIFFERENCE_GAIN}×`} frame={differenceOf(a, b)} />}
      </div>
      {near && <PsnrCurve near={near} frame={clock.frame} onSeek={(frame) => clock.seek(frame)} />}
      <Transport clock={clock} count={count} />
      <ComparisonTable sides={sides} near={near} />
      {sides.map(({ video, trace }) => (
        <SideTimeline key={video.id} video={video} trace={trace} />
      ))}
      {near && !(first.exact && second.exact) && (
        <p class="help">
          PSNR is of the files as this browser decodes them, so their codec takes part in it.
        </p>
      )}
    </div>
  );
}

/** Of an uncached video there is nothing to see: every step is in full. */
function SideTimeline({ video, trace }: Pick<Side, "video" | "trace">) {
  if (!trace || video.cache.policy === "off") return null;
  const title = `Decisions of ${cacheWords(video.cache)}`;
  return <Timeline facts={trace.steps} steps={trace.steps.length} title={title} />;
}

function Pane({ title, frame }: { readonly title: string; readonly frame: RgbFrames }) {
  return (
    <figure>
      <VideoBox video={frame}>
        {(shown) => <FrameCanvas picture={frame} size={frame} shown={shown} label={title} />}
      </VideoBox>
      <figcaption>{title}</figcaption>
    </figure>
  );
}
