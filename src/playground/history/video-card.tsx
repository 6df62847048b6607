/** A video in a list. */

import { useEffect, useState } from "preact/hooks";
import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { Icon } from "../parts/icons.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { hashOf } from "../route.ts";
import { cacheWords } from "../settings/cache-choice.ts";
import { placeWords } from "../stage/words.ts";

export interface VideoCardProps {
  readonly video: MadeVideo;
  readonly onRemove: () => void;
}

const STATUS = { queued: "Queued", in_progress: "In progress", completed: "", failed: "Failed" } as const;

export function VideoCard({ video, onRemove }: VideoCardProps) {
  const [asked, setAsked] = useState(false);
  const isLive = video.status === "queued" || video.status === "in_progress";
  return (
    <article class="card">
      <a class="card-link" href={hashOf({ name: "video", id: video.id })}>
        {video.status === "completed" ? <Thumbnail video={video} /> : <div class="thumb placeholder" />}
        <h2>{video.prompt}</h2>
      </a>
      <p class="help">
        {[STATUS[video.status], cacheWords(video.cache), `seed ${video.seed}`, placeWords(video)]
          .filter((word) => word !== "")
          .join(" · ")}
      </p>
      <p class="card-foot">
        <time dateTime={new Date(video.createdAtMs).toISOString()}>
          {new Date(video.createdAtMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
        </time>
        {!isLive && (
          <button
            type="button"
            class={asked ? "danger" : "quiet"}
            aria-label={asked ? undefined : `Delete the video: ${video.prompt}`}
            onClick={() => (asked ? onRemove() : setAsked(true))}
            onBlur={() => setAsked(false)}
          >
            <Icon name="trash" />
            {asked && "Really delete"}
          </button>
        )}
      </p>
    </article>
  );
}

/** The first frame of the file: no video plays until it is asked for. */
function Thumbnail({ video }: { readonly video: MadeVideo }) {
  const file = useLoaded(video.id, () => library.thumbnail(video));
  const [url, setUrl] = useState<string>();
  const blob = file.is === "ready" ? file.value : undefined;
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  if (!blob || url === undefined) return <div class="thumb placeholder" />;
  if (blob.type.startsWith("image/")) return <img class="thumb" src={url} alt="" loading="lazy" />;
  return (
    <video class="thumb" src={url} muted playsInline preload="metadata" aria-hidden="true" tabIndex={-1} />
  );
}
