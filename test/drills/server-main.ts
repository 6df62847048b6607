/** A server in a process of its own: `node server-main.ts DATABASE_URL`. Tells its address; ends with its parent. */

import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi } from "../support/api.ts";

const [, , url = ""] = process.argv;
const { origin, close } = await startTestApi(await openDatabase({ url }));
process.once("disconnect", () => void close());
process.send?.(origin);
