import { expect, it } from "vitest";
import { shownSize } from "./scale.ts";

const small = { width: 64, height: 64 };
const large = { width: 832, height: 480 };

it.each([
  [small, { width: 500, height: 460 }, 1, { width: 448, height: 448, pixelated: true }],
  [small, { width: 328, height: 900 }, 1, { width: 320, height: 320, pixelated: true }],
  // Half a CSS pixel is a whole device pixel here.
  [small, { width: 360, height: 360 }, 2, { width: 352, height: 352, pixelated: true }],
  [small, { width: 20, height: 20 }, 1, { width: 64, height: 64, pixelated: true }],
  [large, { width: 416, height: 900 }, 1, { width: 416, height: 240, pixelated: false }],
  [large, { width: 2000, height: 2000 }, 1, { width: 832, height: 480, pixelated: false }],
])("%j in %j at %i", (video, box, ratio, expected) => {
  expect(shownSize(video, box, ratio)).toEqual(expected);
});
