/**
 * Which videos an experiment needs, each with its digest. A group is one prompt with one seed: its contestants run one
 * after the other on the same noise, the uncached run among them, in an order that turns from group to group. So the
 * machine's moods fall on all alike.
 */

import { z } from "zod";
import type { ProfileKey } from "../engine/cache/profile.ts";
import { profileKey } from "../engine/cache/profile.ts";
import { type GenerateRequest, resolveSettings } from "../engine/settings.ts";
import { invalid } from "../errors.ts";
import type { EngineInfo } from "../node/index.ts";
import { promptSchema } from "./adherence/grammar.ts";
import {
  type Contestant,
  contestantSchema,
  REFERENCE,
  trialSchema,
  unreachableSchema,
} from "./contestants.ts";
import { digestOf } from "./digest.ts";
import type { LabPrompt } from "./prompts.ts";
import { type RunKey, runKey } from "./result.ts";

export const PLAN_FORMAT = "mixcache.experiment/1";
export const PLAN_FILE = "experiment.json";

/** Of 64: half is enough that no two runs share one. */
const DIGEST_LENGTH = 32;

const groupSchema = z.strictObject({
  prompt: z.string(),
  seed: z.int(),
  expected: promptSchema.optional(),
  /** Digest of the uncached run, and of each contestant's by its label. */
  reference: z.string(),
  runs: z.record(z.string(), z.string()),
});

/** An experiment: what is compared on what, and where each result lies. */
export const planSchema = z.strictObject({
  format: z.literal(PLAN_FORMAT),
  /** When, and at which commit where the code is in a repository. */
  made: z.strictObject({ at: z.string(), commit: z.string().optional() }),
  bundle: z.strictObject({ id: z.string(), title: z.string(), digest: z.string(), fps: z.number() }),
  engine: z.strictObject({
    version: z.string(),
    backend: z.string(),
    device: z.string(),
    threads: z.int(),
    /** Model and number of the machine's processors. */
    machine: z.string(),
  }),
  /** Name of the set, or the file. */
  prompts: z.string(),
  num_inference_steps: z.int(),
  /** What every request has besides its prompt, seed and cache. */
  base: z.strictObject({
    num_inference_steps: z.int().exactOptional(),
    guidance_scale: z.number().exactOptional(),
    width: z.int().exactOptional(),
    height: z.int().exactOptional(),
    num_frames: z.int().exactOptional(),
    scheduler: z.enum(["flow_match_euler", "unipc", "ddim"]).exactOptional(),
  }),
  /** Whether every result was timed beside an uncached run. */
  timed: z.boolean(),
  contestants: z.array(contestantSchema),
  unreachable: z.array(unreachableSchema),
  trials: z.array(trialSchema),
  groups: z.array(groupSchema),
});

export type Plan = z.infer<typeof planSchema>;
export type Group = Plan["groups"][number];

/** What is the same for all videos of an experiment. */
export type BaseRequest = Plan["base"];

export interface PlanOptions {
  readonly made: Plan["made"];
  readonly info: EngineInfo;
  /** Version of the code; see `engineVersion`. */
  readonly version: string;
  readonly machine: string;
  readonly promptsName: string;
  readonly prompts: readonly LabPrompt[];
  readonly seeds: readonly number[];
  readonly contestants: readonly Contestant[];
  readonly base: BaseRequest;
  readonly timed: boolean;
  readonly unreachable?: Plan["unreachable"];
  readonly trials?: Plan["trials"];
  /** Digest of the warm profile for these settings, if there is one. */
  readonly profileOf?: (key: ProfileKey) => Promise<string | undefined>;
}

/** A contestant's request for one prompt and seed. */
export function requestOf(
  base: BaseRequest,
  { prompt, seed }: Pick<Group, "prompt" | "seed">,
  { cache, num_inference_steps }: Contestant,
): GenerateRequest {
  const request: GenerateRequest = { ...base, prompt, seed, cache };
  return num_inference_steps === undefined ? request : { ...request, num_inference_steps };
}

/** A plan, and what determines each of its runs, by digest. */
export interface Planned {
  readonly plan: Plan;
  readonly keys: ReadonlyMap<string, RunKey>;
}

/** @throws MixcacheError `invalid_argument` for settings that the bundle can't follow */
export async function makePlan(options: PlanOptions): Promise<Planned> {
  const { info, version, base, contestants, prompts, seeds } = options;
  const { manifest } = info;
  const profiles = new Map<string, string | undefined>();
  const keys = new Map<string, RunKey>();
  const digest = async (group: Pick<Group, "prompt" | "seed">, who: Contestant) => {
    const settings = resolveSettings(manifest, requestOf(base, group, who));
    const key = profileKey(info.digest, settings);
    const name = digestOf(key);
    if (!profiles.has(name)) profiles.set(name, await options.profileOf?.(key));
    const profile = who.cache.policy === "off" ? undefined : profiles.get(name);
    const run = runKey(info, version, settings, profile);
    const address = digestOf(run).slice(0, DIGEST_LENGTH);
    keys.set(address, run);
    return address;
  };
  const groups: Group[] = [];
  for (const seed of seeds) {
    for (const { prompt, expected } of prompts) {
      const group = { prompt, seed, ...(expected && { expected }) };
      const runs: Record<string, string> = {};
      for (const who of contestants) runs[who.label] = await digest(group, who);
      groups.push({ ...group, reference: await digest(group, REFERENCE), runs });
    }
  }
  const plan: Plan = {
    format: PLAN_FORMAT,
    made: options.made,
    bundle: {
      id: manifest.id,
      title: manifest.title,
      digest: info.digest,
      fps: manifest.video.default.fps,
    },
    engine: {
      version,
      backend: info.backend,
      device: info.device,
      threads: info.threads,
      machine: options.machine,
    },
    prompts: options.promptsName,
    num_inference_steps: base.num_inference_steps ?? manifest.default_steps,
    base,
    timed: options.timed,
    contestants: [...contestants],
    unreachable: [...(options.unreachable ?? [])],
    trials: [...(options.trials ?? [])],
    groups,
  };
  return { plan, keys };
}

/** One part of the work. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly of: number;
}

/** The groups of a shard, every `of`-th; with their number, which turns the order. */
export function groupsOf({ groups }: Plan, { index, of }: Shard): [number, Group][] {
  return [...groups.entries()].filter(([number]) => number % of === index - 1);
}

/** Everyone who runs in a group, the reference among them, in the group's own order. */
export function orderOf({ contestants }: Plan, number: number): Contestant[] {
  const all = [REFERENCE, ...contestants];
  const turn = number % all.length;
  return [...all.slice(turn), ...all.slice(0, turn)];
}

/** @throws MixcacheError `invalid_argument` where a folder holds no experiment */
export function readPlan(json: unknown, folder: string): Plan {
  const parsed = planSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  return invalid(
    "output",
    `${folder} holds no experiment (${PLAN_FILE}). Run mixcache bench with --output ${folder} first.`,
  );
}
