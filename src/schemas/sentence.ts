/** What zod found wrong, as the error that everything else throws. */

import type { z } from "zod";
import { invalid, MixcacheError } from "../errors.ts";
import { unstorable } from "./text.ts";

/**
 * Checks a value.
 * @param known what the fields are called, for a sentence about one that does not exist
 * @throws MixcacheError `invalid_argument` or `parameter_unknown`, whose field is the one at fault
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, known: readonly string[] = []): T {
  const path = unstorable(value);
  if (path)
    invalid(
      path.join(".") || "body",
      `${path.join(".") || "body"} can't be used: it has a character that is none in Unicode, or a zero byte.`,
    );
  const parsed = schema.safeParse(value, { error: inOurWords });
  if (parsed.success) return parsed.data;
  throw errorOf(parsed.error.issues, value, known);
}

/** The first issue as a sentence that names the field. */
export function errorOf(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  known: readonly string[] = [],
): MixcacheError {
  const issue = ofItsObject(innermost(issues[0]));
  if (issue?.code === "unrecognized_keys") {
    const field = [...issue.path, issue.keys[0]].join(".");
    const list = known.length > 0 ? ` The parameters are ${known.join(", ")}.` : " Leave it out.";
    return new MixcacheError("parameter_unknown", `There is no parameter “${field.slice(0, 100)}”.${list}`, {
      field,
    });
  }
  const field = issue?.path.join(".") || "body";
  if (issue?.code === "invalid_type" && valueAt(value, issue.path) === undefined)
    return new MixcacheError("invalid_argument", `${field} is missing.`, { field });
  const message = (issue?.message ?? "it can't be used").replace(/\.$/, "");
  return new MixcacheError("invalid_argument", `${field} can't be used: ${message}.`, { field });
}

/** Of a union that nothing fitted: what is wrong with the alternative that came closest, or what all of it may be. */
function innermost(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== "invalid_union") return issue;
  const alternatives = issue.errors.map((issues) => issues[0]).filter((inner) => inner !== undefined);
  const best = alternatives.find(({ code, path }) => code !== "invalid_type" || path.length > 0);
  return best ? innermost({ ...best, path: [...issue.path, ...best.path] }) : issue;
}

/** A key that can't be one is no name of a field; what is wrong is the object that has it. */
function ofItsObject(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  return issue?.code === "invalid_key" ? { ...issue, path: issue.path.slice(0, -1) } : issue;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** What is wrong, where the schema has no words for it; undefined leaves it to zod. */
function inOurWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `it must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "too_small":
      return issue.minimum === 1 && issue.origin === "string"
        ? "it is empty"
        : `it must be at least ${issue.minimum}`;
    case "too_big":
      return issue.origin === "string"
        ? `it has more than ${issue.maximum} characters`
        : `it must be at most ${issue.maximum}`;
    case "invalid_key":
      return `a key of it can't be used: ${issue.issues[0]?.message ?? "it must be a text"}`;
    default:
      return undefined;
  }
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
