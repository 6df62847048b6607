/** A finished video: its file where there is one, else its frames. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { MadeVideo } from "../generate/made-video.ts";
import { library } from "../generators.ts";
import { Problem } from "../parts/field.tsx";
import { useLoaded } from "../parts/use-loaded.ts";
import { VideoBox } from "./box.tsx";
import { FramesPlayer } from "./frames-player.tsx";
import type { Shown } from "./scale.ts";

export function Player({ video }: { readonly video: MadeVideo }) {
  const file = useLoaded(video.id, () => library.file(video));
  const label = `Video: ${video.prompt}`;
  if (file.is === "failed") return <Problem sentence={file.sentence} />;
  return (
    <VideoBox video={video}>
      {(shown) => {
        if (file.is === "loading") return <Placeholder shown={shown} />;
        if (!file.value) return <FramesPlayer video={video} shown={shown} label={label} />;
        return <FilePlayer file={file.value} shown={shown} label={label} />;
      }}
    </VideoBox>
  );
}

interface FilePlayerProps {
  readonly file: Blob;
  readonly shown: Shown;
  readonly label: string;
}

function FilePlayer({ file, shown, label }: FilePlayerProps) {
  const url = useObjectUrl(file);
  const [sharp, setSharp] = useState(false);
  const size = { width: `${shown.width}px`, height: `${shown.height}px` };
  // Files hold small videos enlarged: only a whole multiple of theirs keeps every pixel's edges where they are.
  const judge = (width: number) =>
    setSharp(width > 0 && (shown.width * globalThis.devicePixelRatio) % width === 0);
  const look = sharp ? "picture pixelated" : "picture";
  if (file.type.startsWith("image/"))
    return (
      <img
        class={look}
        src={url}
        alt={label}
        style={size}
        onLoad={(event) => judge(event.currentTarget.naturalWidth)}
      />
    );
  return (
    <video
      class={look}
      src={url}
      style={size}
      aria-label={label}
      controls
      loop
      muted
      playsInline
      autoPlay={!prefersLessMotion()}
      onLoadedMetadata={(event) => judge(event.currentTarget.videoWidth)}
    />
  );
}

/** A place of the video's size, so that nothing moves when it comes. */
function Placeholder({ shown }: { readonly shown: Shown }) {
  return (
    <div class="picture placeholder" style={{ width: `${shown.width}px`, height: `${shown.height}px` }} />
  );
}

function prefersLessMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** An address of a blob for as long as it is shown. */
function useObjectUrl(blob: Blob): string {
  const url = useMemo(() => URL.createObjectURL(blob), [blob]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  return url;
}
