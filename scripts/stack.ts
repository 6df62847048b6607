/**
 *     npm run stack
 *
 * Everything at once on this machine: the edge in workerd, two cells (API and worker each, with the embedded model) on
 * two databases of one PostgreSQL, a real S3 server. Says how it is asked; Ctrl-C ends it, and nothing is kept. Where
 * Ceph's gateway is missing it is installed from Debian (as root; else it says what to install).
 */

import { curlLine } from "../src/service/greeting.ts";
import { installedRgw } from "../test/support/on-s3.ts";
import { startStack } from "../test/support/stack.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const stopped = Promise.withResolvers<void>();
// From the beginning: what was started until then has to be ended too.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.resolve());

const server = await installedRgw();
try {
  const stack = await startStack({ server });
  try {
    const { edge, a, b } = stack;
    say(`The edge: ${edge.url}`);
    for (const { cell } of [a, b]) {
      const { key } = await cell.account("first");
      say(`\nCell ${cell.label}, whose API is at ${cell.origin}; a key of an account there: ${key}`);
      say(curlLine(edge.url, key));
    }
    say("\nCtrl-C ends it all.");
    await stopped.promise;
    say("Stopping");
  } finally {
    await stack.close();
  }
} finally {
  await server.stop();
}
