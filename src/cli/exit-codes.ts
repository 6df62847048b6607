/** What the command line's exit codes mean; the table in docs/cli.md is this one. */

import type { ErrorKind } from "../errors.ts";

export const EXIT = {
  ok: 0,
  /** A fault of ours. */
  fault: 1,
  /** The input can't be used: an option, a prompt, a bundle. */
  input: 2,
  /** The engine failed: crashed, out of memory, not available. */
  engine: 3,
  /** The result could not be encoded or written. */
  output: 4,
  /** Stopped by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const satisfies Record<ErrorKind | "ok" | "fault", number>;
