/** Workers as processes of this machine, which outlive the one that started them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { MixcacheError, messageOf } from "../errors.ts";
import type { Launcher } from "./contract.ts";

export interface LocalOptions {
  /** The command line of mixcache: a program and its first arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** The environment of the worker with this id. */
  readonly environment: (workerId: string) => Readonly<Record<string, string | undefined>>;
}

/** What a worker says is lost; its errors are in the videos. */
export function localLauncher({ command: [program, ...args], environment }: LocalOptions): Launcher {
  return {
    async launch(workerId) {
      try {
        const child = spawn(program, [...args, "worker", "--drain"], {
          detached: true,
          stdio: "ignore",
          env: environment(workerId),
        });
        await once(child, "spawn");
        child.unref();
        return String(child.pid);
      } catch (error) {
        throw new MixcacheError("launch_failed", `No worker could be started here (${messageOf(error)}).`, {
          cause: error,
        });
      }
    },
  };
}
