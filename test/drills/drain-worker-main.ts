/** `mixcache worker --drain` with a stub for an engine, whose steps take as long as is said. */

import { run } from "../../src/cli/serve.ts";
import { readServerConfig } from "../../src/config/index.ts";
import { StubEngine } from "../support/stub-engine.ts";

const stepMs = Number(process.argv[2]);
await run(readServerConfig(undefined, "worker"), {
  drain: true,
  openEngine: async () => new StubEngine({ stepMs }),
});
