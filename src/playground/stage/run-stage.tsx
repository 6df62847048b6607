/** A video while it is made. */

import { announcementOf, isDownloaded, type RunState, wordsOf } from "../generate/run-state.ts";
import { cancelRun } from "../generate/runs.ts";
import { Icon } from "../parts/icons.tsx";
import { usualSize } from "../session.ts";
import { Timeline } from "../timeline/timeline.tsx";
import { VideoBox } from "../video/box.tsx";
import { FrameCanvas } from "../video/frame-canvas.tsx";

export function RunStage({ state }: { readonly state: RunState }) {
  const { preview } = state;
  const size = preview && !(preview.picture instanceof Blob) ? preview.picture : usualSize.value;
  return (
    <div class="run-stage">
      <VideoBox video={size}>
        {(shown) =>
          preview ? (
            <FrameCanvas
              picture={preview.picture}
              size={size}
              shown={shown}
              label={`The video as it would become after step ${preview.index}`}
            />
          ) : (
            <div
              class="picture placeholder noise"
              style={{ width: `${shown.width}px`, height: `${shown.height}px` }}
            />
          )
        }
      </VideoBox>
      <Progress state={state} />
      {state.notices.map((sentence) => (
        <p class="notice" key={sentence}>
          {sentence}
        </p>
      ))}
      <Timeline facts={state.finished} steps={state.steps} live />
    </div>
  );
}

function Progress({ state }: { readonly state: RunState }) {
  const { title, detail } = wordsOf(state);
  return (
    <div class="progress">
      <div class="progress-words">
        <strong>{title}</strong>
        <span>{detail}</span>
        <button type="button" class="quiet" onClick={cancelRun}>
          <Icon name="stop" />
          Cancel
        </button>
      </div>
      <progress max={1} value={shareOf(state)} aria-label="Progress of the video" />
    </div>
  );
}

/** Of what goes on: the download has a bar of its own. @returns undefined where nobody knows */
function shareOf(state: RunState): number | undefined {
  const { phase, share, download } = state;
  if (phase === "starting" || phase === "queued") return undefined;
  if (phase !== "download") return share;
  return download && !isDownloaded(state) ? download.receivedBytes / download.totalBytes : undefined;
}

/** Tells who listens how far the run is: phases and quarters, not every step. */
export function RunAnnouncer({ state }: { readonly state: RunState | undefined }) {
  return (
    <p class="visually-hidden" aria-live="polite" role="status">
      {state && announcementOf(state)}
    </p>
  );
}
