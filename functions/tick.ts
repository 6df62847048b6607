/** AWS Lambda, by EventBridge once a minute: sweep, webhooks, workers that are missing. */

import { readFunctionConfig } from "../src/config/index.ts";
import { createLog } from "../src/logging.ts";
import { tick } from "../src/service/index.ts";

const config = readFunctionConfig();
const log = createLog({ level: config.logLevel });

export const handler = () => tick(config, log);
