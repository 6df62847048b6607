/** RGB to the 4:2:0 planes that video encoders take. */

/** An I420 picture: the luma plane, then both chroma planes at half size, without padding. */
export interface I420 {
  /** Pixels, even. */
  readonly width: number;
  /** Pixels, even. */
  readonly height: number;
  /** `width * height * 3 / 2` bytes. */
  readonly data: Uint8Array;
}

/** What `rgbToI420` writes, in the words of WebCodecs; encoders and containers must carry the same. */
export const COLOR_SPACE = {
  primaries: "bt709",
  transfer: "bt709",
  matrix: "bt709",
  fullRange: false,
} as const;

/** BT.709: how much red and blue weigh in luma. */
const RED = 0.2126;
const BLUE = 0.0722;
const GREEN = 1 - RED - BLUE;

/** Limited range: luma takes 219 of 255 steps, chroma 224. */
const LUMA = 219 / 255;
/** The factors carry the quarter of a 2x2 block's mean, since they are applied to its sum. */
const CHROMA_QUARTER = 224 / 255 / 4;
const U = CHROMA_QUARTER / (2 * (1 - BLUE));
const V = CHROMA_QUARTER / (2 * (1 - RED));

/**
 * Converts one `[height, width, 3]` frame to BT.709 limited-range I420. An odd side grows by one pixel
 * (the last column or row repeated), since 4:2:0 has no odd sizes.
 *
 * Done here and not by the encoder's scaler: that one assumes BT.601 and leaves the file untagged, so
 * that players guess, and greens and reds shift.
 */
export function rgbToI420(rgb: Uint8Array, width: number, height: number): I420 {
  const evenWidth = width + (width & 1);
  const evenHeight = height + (height & 1);
  const lumaSize = evenWidth * evenHeight;
  const chromaWidth = evenWidth / 2;
  const data = new Uint8Array((lumaSize * 3) / 2);
  let u = lumaSize;
  let v = lumaSize + lumaSize / 4;
  for (let y = 0; y < evenHeight; y += 2) {
    for (let chromaX = 0; chromaX < chromaWidth; chromaX++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let corner = 0; corner < 4; corner++) {
        const toX = chromaX * 2 + (corner & 1);
        const toY = y + (corner >> 1);
        const from = (Math.min(toY, height - 1) * width + Math.min(toX, width - 1)) * 3;
        const r = rgb[from] ?? 0;
        const g = rgb[from + 1] ?? 0;
        const b = rgb[from + 2] ?? 0;
        data[toY * evenWidth + toX] = Math.round(16 + LUMA * (RED * r + GREEN * g + BLUE * b));
        red += r;
        green += g;
        blue += b;
      }
      const luma = RED * red + GREEN * green + BLUE * blue;
      data[u++] = Math.round(128 + U * (blue - luma));
      data[v++] = Math.round(128 + V * (red - luma));
    }
  }
  return { width: evenWidth, height: evenHeight, data };
}
