/** A server process, wired from the rooms. */

export { backup, restore } from "./backup/backup.ts";
export { openFunctionApi } from "./function-api.ts";
export { curlLine } from "./greeting.ts";
export { migrateDatabase } from "./migrate.ts";
export { openObjectsAt } from "./objects-at.ts";
export { operatorKeyFile } from "./operator-key.ts";
export { type Service, type ServiceOptions, startService } from "./service.ts";
export { type OpenStore, openStore } from "./store.ts";
export { type SweepOptions, sweepStore } from "./sweep.ts";
export { startMissing, type Ticked, type TickOptions, tick } from "./tick.ts";
