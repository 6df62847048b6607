/** What no cell has to see: requests that every version of the API refuses. */

import { MixcacheError } from "../errors.ts";
import { objectOfBody } from "../schemas/body.ts";
import { CREATE_FORM, frozenCreateSchema, frozenRemixSchema } from "../schemas/create-video.ts";
import { checked } from "../schemas/sentence.ts";
import { idAsGiven } from "../schemas/text.ts";
import { bodyTooLarge, readUpToLimit } from "../wire/body.ts";
import { noRoute } from "../wire/failure.ts";
import { cellOfVideo, noVideo } from "../wire/video-id.ts";

/** The API reads 16 KiB of address and headers, of which what is added on the way takes a part. */
const MAX_HEAD_BYTES = 14 * 1024;
const READABLE = /^(application\/(json|x-www-form-urlencoded)|multipart\/form-data)\b/i;
const SCHEMAS = [
  { of: /^\/v1\/videos(\/quote)?$/, schema: frozenCreateSchema },
  { of: /^\/v1\/videos\/[^/]+\/remix$/, schema: frozenRemixSchema },
];

/** Also refuses paths that are for those who run a cell. @throws MixcacheError `head_too_large`, `route_unknown` */
export function checkHead({ method, url, headers }: Request, path: string): void {
  const bytes = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, url.length);
  if (bytes > MAX_HEAD_BYTES)
    throw new MixcacheError("head_too_large", "The address or the headers are too long. Send shorter ones.");
  if (/^[/\\]+(internal|metrics)([/\\]|$)/i.test(path)) throw noRoute(method, path);
}

/** An id of another cell is none of the account's; one that is spelt oddly is none. @throws MixcacheError `video_not_found` */
export function checkVideo(path: string, cell: string): void {
  const [, id] = /^\/v1\/videos\/([^/]+)/.exec(path) ?? [];
  const isWord = id === undefined || (/^[\w.~-]+$/.test(id) && !id.startsWith("video_"));
  if (!isWord && cellOfVideo(id) !== cell) throw noVideo(idAsGiven(id));
}

/** The whole body, checked where it is of a route that is known. @throws MixcacheError */
export async function checkedBody(request: Request, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, whole } = await readUpToLimit(request);
  if (!whole) throw bodyTooLarge();
  const type = request.headers.get("content-type") ?? "";
  const schema = request.method === "POST" && SCHEMAS.find(({ of }) => of.test(path))?.schema;
  // In another type or encoding a later version may well take it.
  if (schema && READABLE.test(type) && !request.headers.has("content-encoding"))
    checked<unknown>(schema, await objectOfBody(bytes, type, { kinds: CREATE_FORM }));
  return bytes;
}
