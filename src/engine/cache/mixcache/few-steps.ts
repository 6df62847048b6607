/**
 * Runs of a few steps leave nothing to observe: what is cached is fixed, and little. (Distilled models are run so, and
 * every step of theirs counts: thresholds made for 50 steps either never fire there or ruin the video.)
 */

/** Runs of so many steps or fewer get a fixed mask. */
export const FEW_STEPS = 8;
const TOO_FEW = 4;

/** Which steps are computed: the first half, then every second one, and the last. */
export function fewStepsMask(steps: number): readonly boolean[] {
  const half = Math.ceil(steps / 2);
  return Array.from(
    { length: steps },
    (_, step) => steps <= TOO_FEW || step < half || step === steps - 1 || (step - half) % 2 === 1,
  );
}

/** What a person is told about it. */
export function fewStepsNotice(steps: number): string {
  const mask = fewStepsMask(steps);
  const cached = mask.filter((full) => !full).length;
  return cached === 0
    ? `MixCache: ${steps} steps are too few to cache any; all are computed.`
    : `MixCache: with ${steps} steps it can't adapt to the prompt; ${cached} of them are predicted, by a fixed mask.`;
}
