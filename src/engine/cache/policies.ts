/** Every policy there is, by name, and the way from a request to a policy. */

import { z } from "zod";
import { invalid } from "../../errors.ts";
import type { CachePolicy } from "./contract.ts";
import { definePolicy, type PolicyContext, type PolicyDefinition } from "./definition.ts";
import { assisted } from "./mixcache/assisted.ts";
import { mixcache } from "./mixcache/index.ts";
import { off } from "./off.ts";
import type { CacheRequest } from "./request.ts";
import { dbcache } from "./rivals/dbcache.ts";
import { dicache } from "./rivals/dicache.ts";
import { easycache } from "./rivals/easycache.ts";
import { fastercache } from "./rivals/fastercache.ts";
import { fbcache } from "./rivals/fbcache.ts";
import { magcache } from "./rivals/magcache.ts";
import { pab } from "./rivals/pab.ts";
import { fixedSchedule } from "./rivals/static.ts";
import { taylorseer } from "./rivals/taylorseer.ts";
import { teacache } from "./rivals/teacache.ts";

const OFF = definePolicy({
  name: "off",
  title: "No caching",
  source: "every branch of every step is computed",
  options: z.strictObject({}),
  create: () => off,
});

/** A definition whose options are known to itself only. */
interface AnyPolicy extends Omit<PolicyDefinition<object>, "options" | "create"> {
  make(options: unknown, context: PolicyContext): CachePolicy;
}

function entry<Options extends object>(definition: PolicyDefinition<Options>): AnyPolicy {
  const { name, title, source, dial, options: schema } = definition;
  return {
    name,
    title,
    source,
    ...(dial && { dial }),
    ...(definition.assistable && { assistable: true }),
    make: (options, context) => {
      if (!definition.assistable) return definition.create(parse(name, schema, options), context);
      const { predictor, ...own } = parse(name, assistance, options);
      const policy = definition.create(parse(name, schema, own), context);
      return predictor === "own" ? policy : assisted(policy);
    },
  };
}

/** What every rival that reuses whole steps understands beside its own options. */
const assistance = z.looseObject({ predictor: z.enum(["own", "mixcache"]).default("own") });

function parse<Options>(name: string, schema: z.ZodType<Options>, options: unknown): Options {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  return invalid(
    path ? `cache.${path}` : "cache",
    `The cache policy ${name}: ${path && `${path}: `}${issue?.message ?? "its options are wrong"}.`,
  );
}

/** In the order in which people should see them. */
export const POLICIES: readonly AnyPolicy[] = [
  entry(OFF),
  entry(mixcache),
  entry(fixedSchedule),
  entry(teacache),
  entry(easycache),
  entry(magcache),
  entry(fbcache),
  entry(dbcache),
  entry(dicache),
  entry(taylorseer),
  entry(fastercache),
  entry(pab),
];

/** @throws MixcacheError `invalid_argument` that lists the policies there are. */
export function policyNamed(name: string): AnyPolicy {
  const found = POLICIES.find((policy) => policy.name === name);
  return (
    found ??
    invalid(
      "cache",
      `There is no cache policy “${name}”. Choose one of ${POLICIES.map((p) => p.name).join(", ")}.`,
    )
  );
}

/** @throws MixcacheError `invalid_argument` for a policy or an option that does not exist, or what the policy needs. */
export function createPolicy({ policy, ...options }: CacheRequest, context: PolicyContext): CachePolicy {
  return policyNamed(policy).make(options, context);
}
