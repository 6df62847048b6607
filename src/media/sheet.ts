/** A contact sheet: every frame of one or more videos in a grid, to be seen at a glance. */

import type { RgbFrames } from "../engine/frames.ts";
import { invalid, MixcacheError, messageOf } from "../errors.ts";
import { frameAt, validateFrames } from "./frames.ts";
import { markXmp } from "./mark.ts";
import { resize } from "./upscale.ts";
import { WEBP_MAX_SIDE } from "./webp.ts";

/** One video of a sheet: a block of rows, under its label. */
export interface SheetVideo {
  readonly frames: RgbFrames;
  /** One line of text above the frames; cut off where the sheet ends. */
  readonly label?: string;
}

export interface SheetOptions {
  /** RgbFrames in a row; default: at most 8, and rows as even as they can be (16 frames: 2 rows of 8). */
  readonly columns?: number;
  /** Pixels between frames and around them; default 4. */
  readonly gap?: number;
  /** Default `png`. WebP is smaller and not exact. */
  readonly format?: "png" | "webp";
}

/** RgbFrames with a longer side below this are enlarged by a whole factor, hard edges kept (pixels). */
const SMALLEST_CELL = 128;
/** RgbFrames with a longer side above this are shrunk smoothly (pixels). */
const LARGEST_CELL = 320;
const MAX_COLUMNS = 8;
/** Pixels. libpng and most viewers stop somewhere above this; WebP can't hold more. */
const MAX_SHEET_SIDE = { png: 32767, webp: WEBP_MAX_SIDE };
const WEBP_QUALITY = 85;
const BACKGROUND = [24, 24, 27] as const;
const FONT_PIXELS = 15;
const LABEL_PIXELS = 26;
/** About how wide a character of this font is, in pixels; decides where a label is cut. */
const CHARACTER_PIXELS = FONT_PIXELS * 0.55;

interface Block {
  readonly cells: RgbFrames;
  readonly columns: number;
  readonly label: string | undefined;
  /** Pixels from the sheet's top. */
  readonly top: number;
  /** Pixels that the label takes above the frames. */
  readonly labelHeight: number;
}

/**
 * The bytes of a picture that shows every frame, row by row, one block for each video, marked as
 * AI-generated. Labels are left out where no font renders.
 * @throws MixcacheError `invalid_argument`, `media_encode_failed`.
 */
export async function contactSheet(
  videos: RgbFrames | readonly SheetVideo[],
  options: SheetOptions = {},
): Promise<Uint8Array> {
  const list: readonly SheetVideo[] = "data" in videos ? [{ frames: videos }] : videos;
  const { columns, gap = 4, format = "png" } = options;
  if (list.length === 0) invalid("videos", "A contact sheet needs at least one video.");
  if (columns !== undefined && (!Number.isInteger(columns) || columns < 1)) {
    invalid("columns", `The contact sheet's columns must be a whole number of at least 1, not ${columns}.`);
  }
  if (!Number.isInteger(gap) || gap < 0 || gap > 256) {
    invalid("gap", `The contact sheet's gap must be a whole number of pixels from 0 to 256, not ${gap}.`);
  }
  for (const { frames } of list) validateFrames(frames);

  try {
    const fontsRender = list.some(({ label }) => label) && (await doFontsRender());
    const blocks: Block[] = [];
    let width = 0;
    let height = 0;
    for (const { frames, label } of list) {
      const cells = await toCells(frames);
      const inRow = Math.min(columns ?? columnsFor(frames.count), frames.count);
      const labelHeight = label && fontsRender ? LABEL_PIXELS : 0;
      blocks.push({ cells, columns: inRow, label, top: height, labelHeight });
      const rows = Math.ceil(frames.count / inRow);
      width = Math.max(width, gap + inRow * (cells.width + gap));
      height += gap + labelHeight + rows * (cells.height + gap);
    }
    if (Math.max(width, height) > MAX_SHEET_SIDE[format]) {
      invalid("videos", `The contact sheet would be ${width}x${height} pixels; show fewer frames or videos.`);
    }
    const canvas = new Uint8Array(width * height * 3);
    for (let at = 0; at < canvas.length; at += 3) canvas.set(BACKGROUND, at);
    for (const block of blocks) drawFrames(canvas, width, block, gap);
    const labels = blocks
      .filter(({ labelHeight }) => labelHeight > 0)
      .map(({ label = "", top }) => ({ input: labelSvg(label, width - 2 * gap), left: gap, top: top + gap }));
    const { default: sharp } = await import("sharp");
    const image = sharp(canvas, { raw: { width, height, channels: 3 }, limitInputPixels: false });
    // Compositing adds an alpha channel, which would be opaque everywhere.
    const sheet = image.composite(labels).removeAlpha();
    return await (format === "png"
      ? sheet.png({ compressionLevel: 9 })
      : sheet.webp({ quality: WEBP_QUALITY })
    )
      .withXmp(markXmp())
      .toBuffer();
  } catch (cause) {
    if (cause instanceof MixcacheError) throw cause;
    throw new MixcacheError("media_encode_failed", `Making the contact sheet failed (${messageOf(cause)}).`, {
      cause,
    });
  }
}

/** RgbFrames in a row: the fewest rows of at most 8, filled as evenly as they can be. */
export function columnsFor(count: number): number {
  return Math.ceil(count / Math.ceil(count / MAX_COLUMNS));
}

function toCells(frames: RgbFrames): Promise<RgbFrames> {
  const longerSide = Math.max(frames.width, frames.height);
  if (longerSide < SMALLEST_CELL) {
    const factor = Math.ceil(SMALLEST_CELL / longerSide);
    return resize(frames, frames.width * factor, frames.height * factor, "nearest");
  }
  const scale = Math.min(1, LARGEST_CELL / longerSide);
  const shrunk = (side: number) => Math.max(1, Math.round(side * scale));
  return resize(frames, shrunk(frames.width), shrunk(frames.height), "lanczos");
}

function drawFrames(canvas: Uint8Array, canvasWidth: number, block: Block, gap: number): void {
  const { cells, columns, top, labelHeight } = block;
  const row = cells.width * 3;
  for (let index = 0; index < cells.count; index++) {
    const pixels = frameAt(cells, index);
    const left = gap + (index % columns) * (cells.width + gap);
    const cellTop = top + gap + labelHeight + Math.floor(index / columns) * (cells.height + gap);
    for (let y = 0; y < cells.height; y++) {
      canvas.set(pixels.subarray(y * row, (y + 1) * row), ((cellTop + y) * canvasWidth + left) * 3);
    }
  }
}

function labelSvg(label: string, widthPixels: number): Buffer {
  const fits = Math.max(1, Math.floor(widthPixels / CHARACTER_PIXELS));
  // By code points, so that no emoji is cut in half.
  const characters = Array.from(label);
  const shown = characters.length > fits ? `${characters.slice(0, fits - 1).join("")}…` : label;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPixels}" height="${LABEL_PIXELS}">` +
      `<text x="2" y="${FONT_PIXELS + 2}" font-family="DejaVu Sans, Arial, sans-serif" ` +
      `font-size="${FONT_PIXELS}" fill="#e4e4e7">${escapeXml(shown)}</text></svg>`,
  );
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return (
    text
      // XML 1.0 has no way to write control characters, not even escaped.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, " ")
      .toWellFormed()
      .replace(/[&<>]/g, (character) => entities[character] ?? character)
  );
}

let fontsRenderHere: Promise<boolean> | undefined;

/** Whether text comes out as pixels: a bare container has no fonts, and then text is silently nothing. */
function doFontsRender(): Promise<boolean> {
  fontsRenderHere ??= renderFonts().catch(() => false);
  return fontsRenderHere;
}

async function renderFonts(): Promise<boolean> {
  const { default: sharp } = await import("sharp");
  const alpha = await sharp(labelSvg("Ag", 64)).ensureAlpha().extractChannel("alpha").raw().toBuffer();
  return alpha.some((value) => value > 128);
}
