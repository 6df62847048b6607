/** What can be done with a finished video. */

import { useState } from "preact/hooks";
import { messageOf } from "../../errors.ts";
import { againWith, draftOfVideo, type MadeVideo } from "../generate/made-video.ts";
import { isRunning, run, startRun } from "../generate/runs.ts";
import { generatorAt, library } from "../generators.ts";
import { goTo } from "../location.ts";
import { Icon } from "../parts/icons.tsx";
import { hashOf } from "../route.ts";
import { cacheOf, FIRST_CHOICE } from "../settings/cache-choice.ts";
import { randomSeed } from "../settings/draft.ts";
import { draft } from "../settings/form-store.ts";
import { queryOfDraft } from "../settings/share.ts";

export function VideoActions({ video }: { readonly video: MadeVideo }) {
  const [said, say] = useState("");
  const doing = (act: () => Promise<string>) => () =>
    act().then(say, (error: unknown) => say(messageOf(error)));
  const isUncached = video.cache.policy === "off";
  const busy = isRunning(run.value);
  return (
    <div class="video-actions">
      <div class="buttons">
        <button type="button" class="primary" disabled={busy} onClick={() => void compareWithOther(video)}>
          <Icon name="compare" />
          {isUncached ? "Compare with MixCache" : "Compare with uncached"}
        </button>
        <button type="button" onClick={doing(() => download(video))}>
          <Icon name="download" />
          Download
        </button>
        <button type="button" onClick={doing(() => share(video))}>
          <Icon name="share" />
          Share
        </button>
        <button type="button" disabled={busy} onClick={() => again(video)}>
          <Icon name="dice" />
          Another seed
        </button>
        <button type="button" onClick={() => reuse(video)}>
          <Icon name="edit" />
          Edit settings
        </button>
      </div>
      <p class="help" aria-live="polite">
        {said}
      </p>
    </div>
  );
}

/** The same prompt and seed without a cache, or with one; then both side by side. */
async function compareWithOther(video: MadeVideo): Promise<void> {
  const cache = video.cache.policy === "off" ? cacheOf(FIRST_CHOICE) : ({ policy: "off" } as const);
  goTo({ name: "create" });
  const other = await startRun(againWith(video, cache), () => generatorAt(video.place), {
    place: video.place,
  });
  if (other) goTo({ name: "compare", reference: video.id, other: other.id });
}

function again(video: MadeVideo): void {
  const seed = randomSeed();
  draft.value = { ...draftOfVideo(video), seed };
  goTo({ name: "create" });
  const request = { ...againWith(video, video.cache), seed };
  void startRun(request, () => generatorAt(video.place), { place: video.place });
}

function reuse(video: MadeVideo): void {
  draft.value = draftOfVideo(video);
  goTo({ name: "create" });
}

/** @returns what to say of it */
export async function download(video: MadeVideo): Promise<string> {
  const file = await library.file(video);
  if (!file) return "This browser could not write a file of this video.";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = fileName(video, file);
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return `Saved as ${link.download}.`;
}

/** The file by the system's own means where there are such; else a link that fills in the form. */
async function share(video: MadeVideo): Promise<string> {
  const blob = await library.file(video);
  const file = blob && new File([blob], fileName(video, blob), { type: blob.type });
  if (file && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file], title: video.prompt });
    return "Shared.";
  }
  const address = new URL(
    `${hashOf({ name: "create" })}?${queryOfDraft(draftOfVideo(video))}`,
    location.href,
  );
  await navigator.clipboard.writeText(address.href);
  return "A link with these settings is in the clipboard. It makes the same video again.";
}

/** "red-circle-moves-left-7.mp4": what one finds again in a folder. */
function fileName({ prompt, seed }: MadeVideo, { type }: Blob): string {
  const words = prompt.toLowerCase().match(/[a-z0-9]+/g) ?? ["video"];
  return `${words.slice(0, 8).join("-")}-${seed}.${type === "image/webp" ? "webp" : "mp4"}`;
}
