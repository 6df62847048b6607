/** Bodies as handlers get them. */

import type { Context } from "hono";
import { invalid, MixcacheError } from "../errors.ts";
import { type BodyForm, objectOfBody } from "../schemas/body.ts";
import { Upload } from "../schemas/form.ts";
import { bodyTooLarge, readUpToLimit } from "../wire/body.ts";

export interface BodyOptions extends BodyForm {
  /** Fields that are refused by name, with the reason; also where the body is too large because of them. */
  readonly refused?: Readonly<Record<string, string>>;
}

/**
 * The body as an object; an empty one is an empty object.
 * @throws MixcacheError `invalid_argument`, `not_supported`, `body_too_large`, `media_type_unsupported`
 */
export async function readBody(
  c: Context,
  { refused = {}, ...form }: BodyOptions = {},
): Promise<Record<string, unknown>> {
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity")
    throw new MixcacheError(
      "media_type_unsupported",
      `The body has the content-encoding “${encoding.slice(0, 100)}”. Send it as it is, not compressed.`,
    );
  const { bytes, whole } = await readUpToLimit(c.req.raw);
  if (!whole) {
    // The rest of it is still on the connection, on which no other request can follow.
    c.header("connection", "close");
    throw tooLarge(bytes, refused);
  }
  const object = await objectOfBody(bytes, c.req.header("content-type") ?? "", form);
  for (const [field, reason] of Object.entries(refused))
    if (Object.hasOwn(object, field)) throw notSupported(field, reason);
  for (const [field, value] of Object.entries(object))
    if (value instanceof Upload)
      invalid(field, `${field} came as a file. Send its text as the field's value.`);
  return object;
}

function tooLarge(bytes: Uint8Array, refused: Readonly<Record<string, string>>): MixcacheError {
  const begin = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const [field, reason] of Object.entries(refused))
    if (begin.includes(`name="${field}"`)) return notSupported(field, reason);
  return bodyTooLarge();
}

function notSupported(field: string, reason: string): MixcacheError {
  return new MixcacheError("not_supported", `${field} is not supported: ${reason}. Leave it out.`, { field });
}
