/** A finished video: to be watched, understood and used. */

import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { Facts } from "../parts/facts.tsx";
import { Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { Timeline } from "../timeline/timeline.tsx";
import { Player } from "../video/player.tsx";
import { VideoActions } from "./video-actions.tsx";
import { costFacts, settingsFacts } from "./words.ts";

export interface VideoStageProps {
  readonly video: MadeVideo;
  /** Sentences about how it was made. */
  readonly notices?: readonly string[];
}

export function VideoStage({ video, notices = [] }: VideoStageProps) {
  const trace = useLoaded(video.id, () => library.trace(video));
  const known = trace.is === "ready" ? trace.value : undefined;
  return (
    <article class="video-stage">
      <Player video={video} />
      <h2 class="caption">{video.prompt}</h2>
      <VideoActions video={video} />
      {notices.map((sentence) => (
        <p class="notice" key={sentence}>
          {sentence}
        </p>
      ))}
      <div class="fact-groups">
        <Facts facts={costFacts(video, known)} />
        <Facts facts={settingsFacts(video)} />
      </div>
      {known && <Timeline facts={known.steps} steps={known.steps.length} />}
      {trace.is === "failed" && <Problem sentence={trace.sentence} />}
    </article>
  );
}
