/** The lab: experiments on cache policies, and what they say. */

export { type CalibrationOptions, type CalibrationProgress, calibrate } from "./calibration.ts";
export { collect } from "./cells.ts";
export { checkContestants } from "./check.ts";
export {
  CONTESTANTS_FORMAT,
  type Contestant,
  type ContestantsFile,
  distinct,
  parsePolicies,
  readContestants,
  STEP_REDUCTION,
} from "./contestants.ts";
export { type BaseRequest, PLAN_FILE, type Plan, readPlan, type Shard } from "./plan.ts";
export {
  findPresets,
  type PresetsFile,
  presetPolicies,
  presetsPath,
  presetsSchema,
  presetTable,
} from "./presets.ts";
export {
  isPromptSet,
  type LabPrompt,
  PROMPT_SETS,
  type PromptSet,
  promptSet,
  readPrompts,
} from "./prompts.ts";
export { engineVersion, type LabProgress, parseShard, runExperiment } from "./session.ts";
export { Store } from "./store.ts";
export { type TuneOptions, tune } from "./tune.ts";
export { verify } from "./verify.ts";
export { type Report, writeReport } from "./write-report.ts";
