/**
 *     npm run drill:webhooks [-- --scale 5% --only signatures,down,hanging,ssrf]
 *
 * What docs/webhooks.md promises, with figures. Fails where one is not kept.
 */

import { parseArgs } from "node:util";
import { ssrf } from "../../security/ssrf.ts";
import { down } from "./down.ts";
import { hanging } from "./hanging.ts";
import { signatures } from "./signatures.ts";

const { values } = parseArgs({
  options: {
    scale: { type: "string", default: "100%" },
    only: { type: "string", default: "signatures,down,hanging,ssrf" },
  },
});
const scale = Number.parseFloat(values.scale) / 100;
const scaled = (whole: number, step: number) => Math.max(step, Math.round((whole * scale) / step) * step);
/** A busy machine's own swings; a pool that hangs costs 15 seconds. */
const HARM_MS = 500;
let failed = false;

/** A line, and whether it is as promised. */
function report(name: string, text: string, kept: boolean): void {
  failed ||= !kept;
  process.stdout.write(`${kept ? "kept  " : "BROKEN"} ${name}: ${text}\n`);
}

const DRILLS: Readonly<Record<string, () => Promise<void>>> = {
  async signatures() {
    const bodies = scaled(10_000, 10);
    const { verified, tamperedTaken, largestBytes, ...seen } = await signatures(bodies);
    report(
      "signatures",
      `${seen.bodies} bodies of up to ${largestBytes} bytes, ${verified} verified by the public library, ${tamperedTaken} taken with one bit off`,
      seen.bodies === bodies && verified === bodies && tamperedTaken === 0 && largestBytes < 20_000,
    );
  },
  async down() {
    const events = scaled(100, 5);
    for (const how of ["refused", "failing"] as const)
      for (const [name, seconds] of [
        ["10 min", 600],
        ["2 h", 7_200],
        ["24 h", 86_400],
      ] as const) {
        const { delivered, ids, duplicates, lastAfterSeconds } = await down(events, { seconds, how });
        report(
          `down for ${name} (${how === "refused" ? "nobody listens" : "answers 503"})`,
          `${delivered} of ${events} events delivered, the last ${(lastAfterSeconds / 60).toFixed(1)} min after the return; ${ids} ids in ${duplicates + delivered} requests`,
          delivered === events && ids === events,
        );
      }
  },
  async hanging() {
    const size = { receivers: scaled(1_000, 100), events: scaled(200, 20), everyMs: 500 };
    const without = await hanging({ ...size, hanging: 0 });
    const some = await hanging({ ...size, hanging: size.receivers / 10 });
    for (const { receivers, hanging: count, due, arrived, p50Ms, p99Ms, open } of [without, some])
      report(
        `${receivers} receivers, ${count} hang`,
        `${arrived} of ${due} events reached the others, p50 ${p50Ms} ms, p99 ${p99Ms} ms; ${open} requests hung at the end`,
        arrived === due && (count === 0 || open > 0),
      );
    report(
      "the others' p99",
      `${without.p99Ms} ms without, ${some.p99Ms} ms beside those that hang`,
      some.p99Ms <= without.p99Ms * 1.5 + HARM_MS,
    );
  },
  async ssrf() {
    const { cases, connections, refusedAtRegistration, refusedAtSend, control, wrong } = await ssrf();
    for (const one of wrong) process.stdout.write(`       not refused: ${one}\n`);
    report(
      "ssrf",
      `${cases} cases, ${refusedAtRegistration} refused at registration, ${refusedAtSend} when sent, ${connections} connections (control: ${control})`,
      cases >= 200 && connections === 0 && refusedAtSend === cases && control === 1,
    );
  },
};

for (const name of values.only.split(",")) {
  const startedMs = performance.now();
  await DRILLS[name]?.();
  process.stdout.write(`       ${name} took ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
}
process.exitCode = failed ? 1 : 0;
