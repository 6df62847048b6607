/** Reads MP4 files back. */

import { BufferSource, Input, MP4, VideoSampleSink } from "mediabunny";
import { loadNodeCodecs } from "../../src/media/index.ts";

/** Decodes every frame. @throws where the bytes are no MP4 with a video */
export async function decodeMp4(
  bytes: Uint8Array,
): Promise<{ readonly width: number; readonly height: number; readonly frames: number }> {
  await loadNodeCodecs();
  const input = new Input({ formats: [MP4], source: new BufferSource(bytes) });
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Error("The file has no video track.");
  let frames = 0;
  for await (const sample of new VideoSampleSink(track).samples()) {
    frames++;
    sample.close();
  }
  return { width: track.displayWidth, height: track.displayHeight, frames };
}
