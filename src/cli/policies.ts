/** `mixcache policies`: every cache policy with its options, read from the schemas that requests are checked with. */

import { Command } from "commander";
import { z } from "zod";
import { POLICIES } from "../engine/cache/policies.ts";

type Policy = (typeof POLICIES)[number];

/** What an option may be, of JSON Schema. */
interface OptionSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly OptionSchema[];
  readonly items?: OptionSchema;
  readonly prefixItems?: readonly OptionSchema[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

export function policiesCommand(): Command {
  return new Command("policies")
    .description("List the cache policies and their options.")
    .option("--json", "print them as JSON, options as JSON Schema")
    .action(({ json }: { json?: boolean }) => {
      const text = json
        ? JSON.stringify(POLICIES.map(asJson), null, 2)
        : POLICIES.map(describePolicy).join("\n\n");
      process.stdout.write(`${text}\n`);
    });
}

function asJson(policy: Policy) {
  const { name, title, source, dial } = policy;
  return { name, title, source, ...(dial && { dial }), options: Object.fromEntries(optionsOf(policy)) };
}

/** A policy in a few lines. */
export function describePolicy(policy: Policy): string {
  const { name, title, source, dial } = policy;
  const options = optionsOf(policy);
  const width = Math.max(0, ...options.map(([option]) => option.length));
  return [
    `${name}: ${title} (${source})`,
    ...options.map(([option, schema]) => {
      const fallback = schema.default === undefined ? "" : `, default ${JSON.stringify(schema.default)}`;
      const turned = dial?.option === option ? "; trades quality for speed" : "";
      return `  ${option.padEnd(width)}  ${describeOption(schema)}${fallback}${turned}`;
    }),
  ].join("\n");
}

function optionsOf({ schemas }: Policy): [string, OptionSchema][] {
  return schemas.flatMap((schema) => {
    const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
    return Object.entries(properties) as [string, OptionSchema][];
  });
}

/** "a number from 1 up to 6", "one of reuse, linear" */
function describeOption(schema: OptionSchema): string {
  if (schema.enum)
    return schema.enum.length === 1 ? String(schema.enum[0]) : `one of ${schema.enum.join(", ")}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return schema.anyOf.map(describeOption).join(" or ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(describeOption).join(", ")}]`;
  if (schema.items) return `a list, each ${describeOption(schema.items)}`;
  const kinds: Record<string, string> = {
    integer: "a whole number",
    number: "a number",
    boolean: "true or false",
    string: "a text",
    object: "an object",
  };
  return `${kinds[schema.type ?? ""] ?? "anything"}${range(schema)}`;
}

function range({ minimum, exclusiveMinimum, maximum }: OptionSchema): string {
  const bounds = [
    exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : undefined,
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `from ${minimum}` : undefined,
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `up to ${maximum}` : undefined,
  ].filter((bound) => bound !== undefined);
  return bounds.length > 0 ? ` ${bounds.join(" ")}` : "";
}
