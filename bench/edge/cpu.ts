/** Processor time of the processes of a group, from Linux' /proc. */

import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks are of a hundredth of a second on every Linux of today. */
const MS_PER_TICK = 10;

/** Milliseconds that the processes of a name have used, of those in a group. */
export function cpuMsOf(group: number, name: string): number {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids.reduce((sum, pid) => sum + ticksOf(pid, group, name), 0) * MS_PER_TICK;
}

function ticksOf(pid: string, group: number, name: string): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    // It has ended since the folder was read.
    return 0;
  }
  const [, command, rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
  const fields = rest.split(" ");
  // After the command: state, parent, group; the times are the 12th and 13th.
  return command === name && Number(fields[2]) === group ? Number(fields[11]) + Number(fields[12]) : 0;
}
