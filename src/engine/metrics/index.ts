/** How far a cached video is from the uncached one, and what many such distances say. */

export { compareVideos, type VideoMetrics } from "./compare.ts";
export { SHARPNESS_RATIO_HIGH, SHARPNESS_RATIO_LOW, sharpnessAlarm } from "./sharpness.ts";
export {
  type PairedDifference,
  type PairedValue,
  pairedDifference,
  quantile,
  type Summary,
  summarize,
} from "./statistics.ts";
