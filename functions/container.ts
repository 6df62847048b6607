/** The container: API and worker in one process, or either alone by ROLE. `npm start`. */

import { main } from "../src/cli/main.ts";

process.exitCode = await main(["serve"]);
