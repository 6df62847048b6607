/** AWS Lambda, a streaming Function URL: the API without a GPU. It never migrates; `mixcache migrate` does. */

import { Hono } from "hono";
import { streamHandle } from "hono/aws-lambda";
import { starting } from "../src/api/index.ts";
import { readFunctionConfig } from "../src/config/index.ts";
import { createLog } from "../src/logging.ts";
import { openFunctionApi } from "../src/service/index.ts";

const config = readFunctionConfig();
const log = createLog({ level: config.logLevel });
let opened: ReturnType<typeof openFunctionApi> | undefined;

/** Opened once, for as long as this instance lives; after a failure the next request tries again. */
function api() {
  opened ??= openFunctionApi(config, log).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

const app = new Hono();
app.all("*", async (c) => (await api()).app.fetch(c.req.raw));
app.onError((error) => {
  log.error({ error }, "the API can't be opened");
  return starting(Math.random);
});

export const handler = streamHandle(app);
