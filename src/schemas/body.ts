/** Bodies: JSON, or a form that says the same. */

import { invalid, MixcacheError } from "../errors.ts";
import { type FormField, type FormKind, objectOfForm } from "./form.ts";
import { objectOfJson } from "./json.ts";

/** How a body is read. */
export interface BodyForm {
  /** How a form's fields are read; others are texts. */
  readonly kinds?: Readonly<Record<string, FormKind>>;
  /** Fields whose `null` means something; elsewhere it counts as not given. */
  readonly nullable?: readonly string[];
}

/**
 * The body as an object; an empty one is an empty object.
 * @throws MixcacheError `invalid_argument`, `media_type_unsupported`
 */
export async function objectOfBody(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  { kinds = {}, nullable = [] }: BodyForm,
): Promise<Record<string, unknown>> {
  const [type = ""] = contentType.toLowerCase().split(";");
  if (type.trim() === "multipart/form-data") return objectOfForm(await multipart(bytes, contentType), kinds);
  const text = textOf(bytes);
  if (text.trim() === "") return {};
  // `curl -d '{…}'` says that its JSON is a form.
  if (/^application\/([\w.-]+\+)?json$/.test(type.trim()) || /^\s*[{[]/.test(text))
    return objectOfJson(text, nullable);
  if (type.trim() === "application/x-www-form-urlencoded")
    return objectOfForm(new URLSearchParams(text), kinds);
  throw new MixcacheError(
    "media_type_unsupported",
    `The body has the content-type “${type.slice(0, 100)}”. Send application/json or multipart/form-data.`,
  );
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return invalid("body", "The body is no UTF-8. Encode it so; nothing else is read.");
  }
}

async function multipart(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<Iterable<readonly [string, FormField]>> {
  try {
    return await new Response(bytes, { headers: { "content-type": contentType } }).formData();
  } catch {
    throw new MixcacheError(
      "invalid_argument",
      "The form can't be read: its boundary is missing, or it is cut off.",
      { field: "form" },
    );
  }
}
