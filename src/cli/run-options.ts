/** What every kind of run can be told: steps, guidance, size, frames and scheduler. */

import { type Command, Option } from "commander";
import { number, size } from "./options.ts";

/** Adds the options, in the order in which people should see them. */
export function withRunOptions(command: Command): Command {
  return command
    .option("--steps <number>", "denoising steps (default: the model's)", number("steps"))
    .option("--guidance <number>", "guidance scale (default: the model's)", number("guidance"))
    .option("--size <WxH>", "width and height in pixels (default: the model's)", size)
    .option("--frames <number>", "number of frames (default: the model's)", number("frames"))
    .addOption(
      new Option("--scheduler <name>", "how to step through the noise").choices([
        "flow_match_euler",
        "unipc",
        "ddim",
      ]),
    );
}
