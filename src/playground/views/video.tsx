/** One video by its address: while it is made, and afterwards. */

import { useEffect } from "preact/hooks";
import { againWith, type MadeVideo } from "../generate/made-video.ts";
import { isRunning, run, startRun } from "../generate/runs.ts";
import { library, serverGenerator } from "../generators.ts";
import { Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { RunStage } from "../stage/run-stage.tsx";
import { VideoStage } from "../stage/video-stage.tsx";

export function VideoView({ id }: { readonly id: string }) {
  const loaded = useLoaded(id, () => library.video(id));
  return (
    <div class="single">
      <h1 class="visually-hidden">Video</h1>
      {loaded.is === "loading" && <p class="help">Looking for the video …</p>}
      {loaded.is === "failed" && <Problem sentence={loaded.sentence} />}
      {loaded.is === "ready" && <Found video={loaded.value} />}
    </div>
  );
}

function Found({ video }: { readonly video: MadeVideo }) {
  const isLive = video.status === "queued" || video.status === "in_progress";
  useEffect(() => {
    if (!isLive || isRunning(run.value)) return;
    void startRun(againWith(video, video.cache), async () => serverGenerator, {
      place: "server",
      begin: (_, __, tell, signal) => serverGenerator.resume(video.id, tell, signal),
    });
  }, [video.id, isLive]);
  if (video.status === "completed") return <VideoStage video={video} />;
  if (video.status === "failed") return <Problem sentence={video.failure ?? "It failed."} />;
  const state = run.value;
  if (state?.id !== video.id)
    return <p class="help">It is being made. Another video of this page goes first.</p>;
  if (state.ending?.is === "made") return <VideoStage video={state.ending.video} notices={state.notices} />;
  if (state.ending?.is === "failed") return <Problem sentence={state.ending.sentence} />;
  if (state.ending) return <p class="notice">Cancelled.</p>;
  return <RunStage state={state} />;
}
