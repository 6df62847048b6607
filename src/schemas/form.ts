/**
 * Form fields to the object that JSON would have had. OpenAI's clients send `cache[policy]=mixcache` for nested
 * objects and everything as text; people with curl send `cache={"policy":"mixcache"}`.
 */

import { MixcacheError } from "../errors.ts";

/** What a form has under a name: a text, or something uploaded. */
export type FormField = string | { readonly name: string };

/** What was uploaded where a text belongs. */
export class Upload {
  /** The file's name. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** How a field's text is read: as it is, as a number, or as an object with members of either. */
export type FormKind = "text" | "number" | "texts" | "values";

const PATH = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const DANGEROUS = new Set(["__proto__", "constructor", "prototype"]);

/**
 * @param kinds by top-level field; others are texts
 * @throws MixcacheError `invalid_argument` for a field that comes twice, or a name that can't be read
 */
export function objectOfForm(
  fields: Iterable<readonly [string, FormField]>,
  kinds: Readonly<Record<string, FormKind>>,
): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of fields) {
    const { top, keys } = readName(name);
    const kind = kinds[top] ?? "text";
    if (typeof value !== "string") set(object, [top], new Upload(value.name));
    else if (keys.length === 0) set(object, [top], wholeValue(value, kind));
    else set(object, [top, ...keys], kind === "values" ? literal(value) : value);
  }
  return object;
}

function readName(name: string): { top: string; keys: string[] } {
  const match = PATH.exec(name);
  const top = match?.[1];
  const keys = [...(match?.[2] ?? "").matchAll(/\[([^[\]]*)\]/g)].map(([, key]) => key ?? "");
  if (top === undefined || [top, ...keys].some((key) => DANGEROUS.has(key)) || keys.length > 4)
    throw new MixcacheError(
      "invalid_argument",
      `The form has a field “${name.slice(0, 100)}”, which can't be read.`,
      {
        field: "form",
      },
    );
  return { top, keys };
}

/** Sets a member at a path; an empty key appends, as `list[]=a` does. */
function set(object: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [top = "", ...rest] = path;
  const twice = () =>
    new MixcacheError("invalid_argument", `${top} comes twice in the form. Send it once.`, { field: top });
  if (rest.length === 0) {
    if (Object.hasOwn(object, top)) throw twice();
    object[top] = value;
    return;
  }
  if (rest[0] === "") {
    const list = Object.hasOwn(object, top) ? object[top] : [];
    if (!Array.isArray(list) || rest.length > 1) throw twice();
    object[top] = [...list, value];
    return;
  }
  const inner = Object.hasOwn(object, top) ? object[top] : {};
  if (!isObject(inner)) throw twice();
  object[top] = inner;
  set(inner, rest, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Upload);
}

function wholeValue(text: string, kind: FormKind): unknown {
  if (kind === "number") return literal(text);
  if (kind === "text" || !text.trim().startsWith("{")) return text;
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what is wrong with a text that was meant as an object.
    return text;
  }
}

/** Numbers and booleans as JSON writes them; everything else stays text. */
function literal(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
}
