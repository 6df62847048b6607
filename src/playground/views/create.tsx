/** The first view: the form, and what comes of it. */

import { useEffect } from "preact/hooks";
import { CreateForm } from "../form/create-form.tsx";
import { run } from "../generate/runs.ts";
import { query } from "../location.ts";
import { draft } from "../settings/form-store.ts";
import { draftOfQuery } from "../settings/share.ts";
import { RunStage } from "../stage/run-stage.tsx";
import { VideoStage } from "../stage/video-stage.tsx";

export function CreateView() {
  // A shared link fills in the form.
  useEffect(() => {
    const shared = draftOfQuery(query.value);
    if (shared) draft.value = shared;
  }, [query.value]);
  return (
    <div class="create">
      <div class="create-settings">
        <h1>
          Text to video, <em>step by step</em>
        </h1>
        <p class="lead">
          A small model draws a shape that moves. MixCache decides, at every step, what not to compute.
        </p>
        <CreateForm />
      </div>
      <div class="create-stage" id="stage">
        <Stage />
      </div>
    </div>
  );
}

function Stage() {
  const state = run.value;
  if (!state) return <Nothing />;
  const { ending } = state;
  if (!ending) return <RunStage state={state} />;
  if (ending.is === "made") return <VideoStage video={ending.video} notices={state.notices} />;
  return (
    <div class="ended">
      <p class="notice">
        {ending.is === "stopped" ? "Cancelled. What was computed is gone." : ending.sentence}
      </p>
    </div>
  );
}

/** Before the first video. */
function Nothing() {
  return (
    <div class="nothing">
      <div class="nothing-art" aria-hidden="true">
        {Array.from({ length: 24 }, (_, at) => (
          <span key={at} class="column" data-kind={at % 3 === 1 ? "step" : at % 5 === 3 ? "block" : "full"}>
            <span class="mark" style={{ "--computed": at % 3 === 1 ? "0" : at % 5 === 3 ? "0.4" : "1" }} />
          </span>
        ))}
      </div>
      <p>Your video appears here, and below it what was computed and what was reused.</p>
    </div>
  );
}
