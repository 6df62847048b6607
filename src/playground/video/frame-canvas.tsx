/** One picture on a canvas, every pixel of it a square where it is small. */

import { useEffect, useRef } from "preact/hooks";
import type { Picture } from "../generate/generator.ts";
import { imageDataOf } from "./decode.ts";
import type { Shown, Size } from "./scale.ts";

export interface FrameCanvasProps {
  readonly picture: Picture;
  readonly size: Size;
  readonly shown: Shown;
  /** What it is, for who listens. */
  readonly label: string;
}

export function FrameCanvas({ picture, size, shown, label }: FrameCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isCurrent = true;
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    if (!(picture instanceof Blob)) context.putImageData(imageDataOf(picture), 0, 0);
    // One that can't be decoded leaves the picture before it.
    else
      createImageBitmap(picture).then(
        (bitmap) => {
          if (isCurrent) context.drawImage(bitmap, 0, 0, size.width, size.height);
          bitmap.close();
        },
        () => undefined,
      );
    return () => {
      isCurrent = false;
    };
  }, [picture, size.width, size.height]);
  return (
    <canvas
      ref={canvas}
      class={shown.pixelated ? "picture pixelated" : "picture"}
      role="img"
      aria-label={label}
      width={size.width}
      height={size.height}
      style={{ width: `${shown.width}px`, height: `${shown.height}px` }}
    />
  );
}
