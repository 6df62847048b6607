/** RgbFrames to files: what the rest of the program uses of this folder. */

export { type EncodeVideoOptions, encodeVideo, type VideoFormat } from "./encode.ts";
export { frameAt, frameByteLength, validateFrames } from "./frames.ts";
export { DIGITAL_SOURCE_TYPE, MARK_SENTENCE } from "./mark.ts";
export { loadNodeCodecs } from "./mp4.ts";
export { MP4_CODECS, type Mp4Codec } from "./mux.ts";
export { contactSheet, type SheetOptions, type SheetVideo } from "./sheet.ts";
export { type ResizeMethod, type Upscale, upscale } from "./upscale.ts";
export { assertWritable, type FileSystem, writeFileAtomically } from "./write.ts";
