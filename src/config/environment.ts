/**
 * The environment, read here and nowhere else. A variable that is empty counts as one that is not set; a wrong value
 * is one sentence that names the variable.
 */

import { homedir } from "node:os";
import path from "node:path";
import { MixcacheError } from "../errors.ts";
import { type Variables, variables } from "./variables/index.ts";

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables whose values are nobody's to read, not even where they are wrong. */
const SECRET = [
  "DATABASE_URL",
  "OPERATOR_KEY",
  "INTERNAL_TOKEN",
  "EDGE_SECRET",
  "SIGNING_KEY",
  "WEBHOOK_KEY",
  "MIXCACHE_KEY",
];

/**
 * Every variable, checked.
 * @throws MixcacheError `invalid_argument`, whose field is the variable
 */
export function readVariables(environment: Environment = process.env): Variables {
  const given = Object.fromEntries(
    Object.keys(variables.shape).map((name) => [name, environment[name] || undefined]),
  );
  const parsed = variables.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = String(issue?.path[0]);
  const value = SECRET.includes(name) ? "not right" : `“${given[name]}”`;
  return refuse(name, `${name} is ${value}; ${issue?.message}.`);
}

/** This process's own, with some variables set otherwise: for a process that is started with the same configuration. */
export function environmentWith(changes: Environment): Environment {
  return { ...process.env, ...changes };
}

/** @throws MixcacheError `invalid_argument`, always */
export function refuse(variable: string, sentence: string): never {
  throw new MixcacheError("invalid_argument", sentence, { field: variable });
}

/** A folder of the user's, as the XDG base directory specification has it: a relative path there counts as none. */
export function ofUser(given: string | undefined, otherwise: string): string {
  return given !== undefined && path.isAbsolute(given) ? given : path.join(homedir(), otherwise);
}
