/** `GET /v1/videos/{id}/previews/{n}`: the pictures that events tell of. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { MixcacheError } from "../../errors.ts";
import { serveObject } from "../../storage/index.ts";
import { accountOf, authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { addOperation, parameter } from "../operation.ts";
import { idOf } from "./id.ts";

/** Adds the route. */
export function addPreviewRoutes(app: OpenAPIHono<ApiEnv>, { jobs, store, accounts }: ApiOptions): void {
  addOperation(app, {
    method: "get",
    path: "/v1/videos/{id}/previews/{n}",
    id: "downloadPreview",
    summary: "Download a preview",
    description: "A small picture of the video as it would become; its URL comes with the event `preview`.",
    tag: "Videos",
    success: { content: ["image/webp"] },
    failures: [404],
    key: authenticated(accounts, "videos:read"),
    handle: async (c) => {
      const { id } = await jobs.get(accountOf(c), idOf(c));
      const number = parameter(c, "n");
      const event = /^\d{1,9}$/.test(number) ? await jobs.event(id, Number(number)) : undefined;
      const key = event?.type === "preview" ? event.data.key : undefined;
      const picture = typeof key === "string" && (await serveObject(store, key, whole(c.req.raw)));
      if (picture) return picture;
      throw new MixcacheError(
        "content_missing",
        `There is no preview ${number.slice(0, 20)} of ${id}. The video's events name those that there are.`,
      );
    },
  });
}

/** A request without its range: a picture this small is not sent in parts. */
function whole({ url, method, headers: given }: Request): Request {
  const headers = new Headers(given);
  headers.delete("range");
  return new Request(url, { method, headers });
}
