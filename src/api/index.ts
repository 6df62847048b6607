/** The HTTP API. */

export { createApi } from "./app.ts";
export type { ApiEnv, ApiOptions, EdgeOptions, Readiness, ServedModel } from "./context.ts";
export { starting, unreadable } from "./unheard.ts";
export { presentVideo } from "./videos/present.ts";
