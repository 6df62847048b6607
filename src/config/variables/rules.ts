/** What the rules of variables are made of; a rule is said where a value is refused. */

import { z } from "zod";

const YES = ["1", "true", "yes"];
const NO = ["0", "false", "no"];

/** What the documentation says of a variable. Markdown. */
export interface VariableDoc {
  readonly group: "server" | "storage" | "fleet" | "client" | "engine" | "torch";
  readonly meaning: string;
  /** In words, where the default is not a value. */
  readonly otherwise?: string;
}

/** What the documentation says of each. */
export const docs = z.registry<VariableDoc>();

/** Yes or no; no where it is not set. */
export const flag = () =>
  z
    .enum([...YES, ...NO], "it must be 1 or 0")
    .transform((text) => YES.includes(text))
    .default(false);

/** One of these words. */
export const oneOf = <const Names extends readonly [string, ...string[]]>(...names: Names) =>
  z.enum(names, `it must be ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);

/** A whole number; `unit` is said where the value is refused. */
export const whole = (first: number, last: number, unit = "") => {
  const rule = `it must be a whole number${unit} from ${first} to ${last}`;
  return z
    .string()
    .regex(/^\d{1,12}$/, rule)
    .transform(Number)
    .refine((count) => count >= first && count <= last, rule);
};

/** A URL of one of these protocols, such as `http:`. */
export const url = (protocols: readonly string[], rule: string) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), rule);

/** A URL of the web. */
export const webUrl = () => url(["http:", "https:"], "it must be a URL that begins with http:// or https://");
