/** Routes of OpenAI's Videos API that are refused by name, so that nobody wonders about a 404. */

import type { Hono } from "hono";
import { MixcacheError } from "../../errors.ts";
import { authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";

const ROUTES = [
  ["POST", "/v1/videos/edits", "Edits are"],
  ["POST", "/v1/videos/extensions", "Extensions are"],
  ["POST", "/v1/videos/characters", "Characters are"],
  ["GET", "/v1/videos/characters/:id", "Characters are"],
  ["POST", "/v1/videos/:id/edits", "Edits are"],
  ["POST", "/v1/videos/:id/extensions", "Extensions are"],
] as const;

/** Before the routes with ids, which would take `characters` for one. */
export function addRefusedRoutes(app: Hono<ApiEnv>, { accounts }: ApiOptions): void {
  const key = authenticated(accounts, "videos:write");
  for (const [method, path, what] of ROUTES)
    app.on(method, [path], key, () => {
      throw new MixcacheError(
        "not_supported",
        `${what} not supported: videos are made from a prompt only. Create a new video with POST /v1/videos.`,
      );
    });
}
