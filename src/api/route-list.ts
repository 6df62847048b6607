/** Which methods a path has, for 405 and OPTIONS. */

import type { Hono } from "hono";
import type { ApiEnv } from "./context.ts";

/** A method on paths of a pattern. */
export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
}

/** The routes that an app has so far; what applies to every path is no route. */
export function routesOf({ routes }: Hono<ApiEnv>): Route[] {
  return routes
    .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
    .map(({ method, path }) => ({
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replace(/[.\\]/g, "\\$&").replace(/:\w+/g, "[^/]+")}$`),
    }));
}
