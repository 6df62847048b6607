/** A place for a video, which tells what is in it how large it may be. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Shown, type Size, shownSize } from "./scale.ts";

/** The tallest that a video is shown, as a share of the window: controls and captions are to be seen with it. */
const TALLEST = 0.62;

export interface VideoBoxProps {
  readonly video: Size;
  readonly children: (shown: Shown) => ComponentChildren;
}

export function VideoBox({ video, children }: VideoBoxProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  const height = Math.max(240, globalThis.innerHeight * TALLEST);
  return (
    <div class="video-box" ref={box}>
      {width > 0 && children(shownSize(video, { width, height }, globalThis.devicePixelRatio))}
    </div>
  );
}
