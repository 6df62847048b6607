/**
 * The rivals as the page offers them: a name, and the dial that trades quality for speed. The engine's definitions have
 * more, and come with a schema library that the first view of a page can do without; a test holds these against them.
 */

/** A cache policy besides MixCache. */
export interface Rival {
  readonly name: string;
  readonly title: string;
  /** The request's option that the dial turns. */
  readonly option: string;
  /** The ends of the dial: what computes the most, and the least. */
  readonly slow: number;
  readonly fast: number;
  readonly step: number;
  /** What the dial begins with. */
  readonly usual: number;
  /** Whether it takes `predictor: "mixcache"`. */
  readonly assistable: boolean;
  /** One sentence on how it decides. */
  readonly decides: string;
}

export const RIVALS: readonly Rival[] = [
  {
    name: "teacache",
    title: "TeaCache",
    option: "threshold",
    slow: 0.02,
    fast: 0.5,
    step: 0.01,
    usual: 0.1,
    assistable: true,
    decides: "Adds up how much a signal of the timestep changes; computes when the sum passes the threshold.",
  },
  {
    name: "easycache",
    title: "EasyCache",
    option: "threshold",
    slow: 0.005,
    fast: 0.5,
    step: 0.005,
    usual: 0.05,
    assistable: true,
    decides: "Estimates the output's change from the latents' change, and adds it up to the threshold.",
  },
  {
    name: "magcache",
    title: "MagCache",
    option: "threshold",
    slow: 0.005,
    fast: 0.6,
    step: 0.005,
    usual: 0.12,
    assistable: true,
    decides: "Follows a table of magnitudes that was measured once for the model.",
  },
  {
    name: "fbcache",
    title: "First Block Cache",
    option: "threshold",
    slow: 0.02,
    fast: 0.6,
    step: 0.01,
    usual: 0.05,
    assistable: true,
    decides: "Runs the first block and reuses the others where its result changed little.",
  },
  {
    name: "dbcache",
    title: "DBCache",
    option: "threshold",
    slow: 0.02,
    fast: 0.6,
    step: 0.01,
    usual: 0.08,
    assistable: true,
    decides: "Runs the first blocks and reuses the middle, within rules of when and how often.",
  },
  {
    name: "dicache",
    title: "DiCache",
    option: "threshold",
    slow: 0.02,
    fast: 1,
    step: 0.01,
    usual: 0.2,
    assistable: true,
    decides: "Probes a shallow part, adds up its change, and aligns what it reuses.",
  },
  {
    name: "taylorseer",
    title: "TaylorSeer",
    option: "interval",
    slow: 1,
    fast: 12,
    step: 1,
    usual: 5,
    assistable: false,
    decides: "Computes every so many steps, and extrapolates the modules in between.",
  },
  {
    name: "fastercache",
    title: "FasterCache",
    option: "below_timestep",
    slow: 300,
    fast: 1001,
    step: 1,
    usual: 781,
    assistable: false,
    decides: "Reuses attention and the difference that guidance makes, by the timestep.",
  },
  {
    name: "pab",
    title: "Pyramid Attention Broadcast",
    option: "self_attention_range",
    slow: 1,
    fast: 12,
    step: 1,
    usual: 2,
    assistable: false,
    decides: "Reuses attentions for so many steps within a window of timesteps.",
  },
  {
    name: "static",
    title: "Static schedule",
    option: "speed",
    slow: 1.1,
    fast: 4,
    step: 0.1,
    usual: 2,
    assistable: true,
    decides: "Computes the same steps for every prompt, chosen by what was measured once for the model.",
  },
];

/** A rival by its name; of one that the page doesn't know, its name and no more. */
export function rivalNamed(name: string): Rival {
  const found = RIVALS.find((rival) => rival.name === name);
  if (found) return found;
  const unknown = { option: "threshold", slow: 0, fast: 1, step: 0.01, usual: 0.1 };
  return { ...unknown, name, title: name, assistable: false, decides: "" };
}
