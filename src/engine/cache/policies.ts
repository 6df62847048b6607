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
  /** What its options may be, for lists of them. */
  readonly schemas: readonly z.ZodType[];
  /** Checks options and fills in every default. */
  read(options: unknown): object;
  make(options: unknown, context: PolicyContext): CachePolicy;
}

function entry<Options extends object>(definition: PolicyDefinition<Options>): AnyPolicy {
  const { name, title, source, dial, options: schema, assistable } = definition;
  const read = (given: unknown): { own: Options; predictor?: Predictor } => {
    if (!assistable) return { own: parse(name, schema, given) };
    const { predictor, ...own } = parse(name, assistance, given);
    return { own: parse(name, schema, own), predictor };
  };
  return {
    name,
    title,
    source,
    ...(dial && { dial }),
    ...(assistable && { assistable: true }),
    schemas: assistable ? [schema, assistance] : [schema],
    read: (given) => {
      const { own, ...assisting } = read(given);
      return { ...own, ...assisting };
    },
    make: (given, context) => {
      const { own, predictor } = read(given);
      const policy = definition.create(own, context);
      return predictor === "mixcache" ? assisted(policy) : policy;
    },
  };
}

/** What every rival that reuses whole steps understands beside its own options. */
const assistance = z.looseObject({ predictor: z.enum(["own", "mixcache"]).default("own") });

type Predictor = z.infer<typeof assistance>["predictor"];

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

/**
 * A request with every default filled in. Whether a model can follow it is asked when the policy is made.
 * @throws MixcacheError `invalid_argument` for a policy or an option that does not exist
 */
export function fullRequest({ policy, ...options }: CacheRequest): CacheRequest {
  return { policy, ...policyNamed(policy).read(options) };
}

/** @throws MixcacheError `invalid_argument` for a policy or an option that does not exist, or what the policy needs. */
export function createPolicy({ policy, ...options }: CacheRequest, context: PolicyContext): CachePolicy {
  return policyNamed(policy).make(options, context);
}
