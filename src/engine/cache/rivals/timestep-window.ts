/** Windows of timesteps, 0 to 1000, in which a method may reuse. */

import { z } from "zod";

/** [after, before]: both ends are outside. */
export const timestepWindow = z.tuple([z.number(), z.number()]);

/** Is the timestep inside? */
export function within([low, high]: readonly [number, number], timestep: number | undefined): boolean {
  return timestep !== undefined && low < timestep && timestep < high;
}
