/** A video's file as frames, by what the browser decodes with. */

import type { RgbFrames } from "../../engine/frames.ts";
import { MixcacheError } from "../../errors.ts";
import type { MadeVideo } from "../generate/made-video.ts";

/** Frames of a file, `[count, height, width, 3]`. @throws MixcacheError `media_codec_missing` */
export async function decodeFile(file: Blob, video: MadeVideo): Promise<RgbFrames> {
  const { width, height, frames: count } = video;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw cantDecode(file);
  const size = width * height * 3;
  const data = new Uint8Array(size * count);
  const take = (picture: CanvasImageSource, at: number) => {
    context.drawImage(picture, 0, 0, width, height);
    writeRgb(data.subarray(at * size, (at + 1) * size), context.getImageData(0, 0, width, height).data);
  };
  await (file.type.startsWith("image/") ? eachOfImage(file, count, take) : eachOfVideo(file, video, take));
  return { width, height, count, data };
}

type Take = (picture: CanvasImageSource, at: number) => void;

/** Animated WebP. */
async function eachOfImage(file: Blob, count: number, take: Take): Promise<void> {
  if (typeof ImageDecoder === "undefined") throw cantDecode(file);
  const decoder = new ImageDecoder({ data: file.stream(), type: file.type });
  await decoder.completed;
  for (let at = 0; at < count; at++) {
    const { image } = await decoder.decode({ frameIndex: at });
    take(image, at);
    image.close();
  }
  decoder.close();
}

/** Goes to the middle of each frame, where no rounding of times can show its neighbour. */
async function eachOfVideo(file: Blob, { fps, frames }: MadeVideo, take: Take): Promise<void> {
  const url = URL.createObjectURL(file);
  const element = document.createElement("video");
  element.muted = true;
  element.preload = "auto";
  try {
    element.src = url;
    await happens(element, "loadeddata", file);
    for (let at = 0; at < frames; at++) {
      element.currentTime = (at + 0.5) / fps;
      await happens(element, "seeked", file);
      take(element, at);
    }
  } finally {
    element.removeAttribute("src");
    element.load();
    URL.revokeObjectURL(url);
  }
}

function happens(element: HTMLVideoElement, event: "loadeddata" | "seeked", file: Blob): Promise<void> {
  return new Promise((resolve, reject) => {
    element.addEventListener(event, () => resolve(), { once: true });
    element.addEventListener("error", () => reject(cantDecode(file)), { once: true });
  });
}

/** Red, green and blue of red, green, blue and alpha. */
export function writeRgb(target: Uint8Array, rgba: Uint8ClampedArray): void {
  for (let i = 0, j = 0; i < target.length; i += 3, j += 4) {
    target[i] = rgba[j] ?? 0;
    target[i + 1] = rgba[j + 1] ?? 0;
    target[i + 2] = rgba[j + 2] ?? 0;
  }
}

/** A frame as a canvas takes it. */
export function imageDataOf({ width, height, data }: RgbFrames): ImageData {
  const image = new ImageData(width, height);
  for (let i = 0, j = 0; i < data.length; i += 3, j += 4) {
    image.data[j] = data[i] ?? 0;
    image.data[j + 1] = data[i + 1] ?? 0;
    image.data[j + 2] = data[i + 2] ?? 0;
    image.data[j + 3] = 255;
  }
  return image;
}

function cantDecode(file: Blob): MixcacheError {
  return new MixcacheError(
    "media_codec_missing",
    `This browser can't decode the video (${file.type || "unknown type"}). Download it, or open the page in another browser.`,
  );
}
