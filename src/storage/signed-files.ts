/** Serves the signed URLs of a folder store. */

import type { FolderStore } from "./folder.ts";
import { serveObject } from "./serve.ts";

/** How a page of another origin may read what it has a URL of. */
const CROSS_ORIGIN = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "accept-ranges, content-range, etag",
  "cross-origin-resource-policy": "cross-origin",
};

/**
 * A fetch handler for `OBJECTS_PATH`: GET and HEAD of signed URLs with ranges. Whatever is forged, tampered with or
 * expired is 403, whether there is such an object or not.
 */
export function signedFiles(store: FolderStore): (request: Request) => Promise<Response> {
  return async (request) => {
    const response = await answer(store, request);
    for (const [name, value] of Object.entries(CROSS_ORIGIN)) response.headers.set(name, value);
    return response;
  };
}

async function answer(store: FolderStore, request: Request): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    const refused = problem(405, "method_not_allowed", "Signed URLs can be read only.");
    refused.headers.set("allow", "GET, HEAD");
    return refused;
  }
  const found = store.verify(new URL(request.url));
  if (!found)
    return problem(403, "url_forbidden", "This URL has expired or was changed. Ask for the video again.");
  const { grant, leftSeconds } = found;
  const response = await serveObject(store, grant.key, request, {
    ...(grant.filename !== undefined && { filename: grant.filename }),
    ...(grant.contentType !== undefined && { contentType: grant.contentType }),
    cacheControl: `private, max-age=${leftSeconds}`,
  });
  return response ?? problem(404, "object_not_found", "This file has been deleted.");
}

/** RFC 9457. */
function problem(status: number, code: string, detail: string): Response {
  return Response.json(
    { type: "about:blank", status, code, detail },
    {
      status,
      headers: {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "x-should-retry": "false",
      },
    },
  );
}
