/** The configuration: what the environment says, in the words of those who need it. */

export { type ClientConfig, readClientConfig } from "./client.ts";
export { type Config, readConfig, type TorchConfig } from "./engine.ts";
export { environmentWith } from "./environment.ts";
export type { FleetConfig } from "./fleet.ts";
export { readFunctionConfig } from "./function.ts";
export { readServerConfig, type ServerConfig } from "./server.ts";
