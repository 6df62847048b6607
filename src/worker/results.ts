/** Frames to files in the object store, under keys that carry the attempt. */

import type { RgbFrames } from "../engine/frames.ts";
import {
  type AttemptRecord,
  folderOf,
  type StoredObject,
  type StoredResult,
  type Taken,
} from "../jobs/index.ts";
import { contactSheet, encodeVideo, frameAt } from "../media/index.ts";
import { contentTypeOf, type ObjectStore } from "../storage/index.ts";

/** Frames of a sheet; more than this are thinned out. */
const SHEET_FRAMES = 48;

/**
 * Encodes and stores a video with its pictures and its record.
 * @throws MixcacheError `media_codec_missing`, `media_encode_failed`, `storage_full`, `storage_failed`
 */
export async function storeResult(
  store: ObjectStore,
  taken: Taken,
  frames: RgbFrames,
  record: AttemptRecord,
): Promise<StoredResult> {
  const { output_format: format, fps } = taken.video.request;
  const still = { ...frames, count: 1, data: frameAt(frames, Math.floor(frames.count / 2)) };
  const put = (name: string, bytes: Uint8Array) => putFile(store, taken, name, bytes);
  // One after the other: each holds the frames once more, in another form.
  const video = await put(`video.${format}`, await encodeVideo(frames, { format, fps, upscale: false }));
  const thumbnail = await put(
    "thumbnail.webp",
    await encodeVideo(still, { format: "webp", fps, upscale: false }),
  );
  const spritesheet = await put("spritesheet.webp", await contactSheet(thinned(frames), { format: "webp" }));
  return { video, thumbnail, spritesheet, trace: await storeRecord(store, taken, record) };
}

/**
 * Stores a small picture of a video that is not done.
 * @throws MixcacheError `media_encode_failed`, `storage_full`, `storage_failed`
 */
export async function storePreview(
  store: ObjectStore,
  taken: Taken,
  step: number,
  frame: RgbFrames,
): Promise<StoredObject> {
  const picture = await contactSheet(frame, { format: "webp", gap: 0 });
  return putFile(store, taken, `preview-${step}.webp`, picture);
}

/** Stores the record alone, of an attempt that was stopped. */
export function storeRecord(store: ObjectStore, taken: Taken, record: AttemptRecord): Promise<StoredObject> {
  return putFile(store, taken, "trace.json", new TextEncoder().encode(`${JSON.stringify(record)}\n`));
}

async function putFile(
  store: ObjectStore,
  { video, attempt }: Taken,
  name: string,
  bytes: Uint8Array,
): Promise<StoredObject> {
  const key = `${folderOf(video.id)}${attempt}/${name}`;
  return { key, ...(await store.put(key, bytes)), contentType: contentTypeOf(key) };
}

function thinned(frames: RgbFrames): RgbFrames {
  if (frames.count <= SHEET_FRAMES) return frames;
  const step = (frames.count - 1) / (SHEET_FRAMES - 1);
  const chosen = Array.from({ length: SHEET_FRAMES }, (_, at) => frameAt(frames, Math.round(at * step)));
  return { ...frames, count: SHEET_FRAMES, data: Buffer.concat(chosen) };
}
