/**
 * A hook of the operator's that is asked before a video is made, with its prompt, and before it is stored, with its
 * frames. Off unless MODERATION names a module; docs/moderation.md has an example.
 */

import { MixcacheError } from "./errors.ts";

/** What the hook is asked about. */
export type Moderated =
  | {
      readonly kind: "prompt";
      readonly prompt: string;
      readonly negative_prompt: string;
      readonly model: string;
    }
  | {
      readonly kind: "frames";
      readonly width: number;
      readonly height: number;
      readonly count: number;
      /** `count` frames after each other, each `height` rows of `width` pixels of red, green and blue. */
      readonly data: Uint8Array;
      readonly prompt: string;
      readonly model: string;
    };

/** What it answers; the reason is told to the caller. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason?: string;
}

/** The hook as its module exports it. The signal is aborted when nobody waits for the answer any more. */
export type ModerationHook = (
  asked: Moderated,
  options: { readonly signal: AbortSignal },
) => Promise<Verdict>;

/**
 * Resolves where the hook allows it.
 * @throws MixcacheError `moderation_refused`; `moderation_failed` where the hook throws, is late or answers nonsense
 */
export type Moderate = (asked: Moderated) => Promise<void>;

const MOST_REASON_CHARACTERS = 200;

/** @param late gives a signal for each question, which is aborted when the hook has had its time */
export function moderateBy(hook: ModerationHook, late: () => AbortSignal): Moderate {
  return async (asked) => {
    const signal = late();
    const verdict = await answerOf(hook, asked, signal);
    if (verdict.allowed) return;
    const what = asked.kind === "prompt" ? "The prompt" : "The video";
    const reason = verdict.reason ? `: ${verdict.reason.slice(0, MOST_REASON_CHARACTERS)}` : "";
    throw new MixcacheError(
      "moderation_refused",
      `${what} was refused by this server's moderation${reason}. Nothing was charged; ask for something else.`,
      asked.kind === "prompt" ? { field: "prompt" } : {},
    );
  };
}

async function answerOf(hook: ModerationHook, asked: Moderated, signal: AbortSignal): Promise<Verdict> {
  const overdue = Promise.withResolvers<never>();
  const onAbort = () => overdue.reject(signal.reason);
  overdue.promise.catch(() => undefined);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // In a function of its own, so that a hook that throws at once is one that rejects.
    const verdict: unknown = await Promise.race([(async () => hook(asked, { signal }))(), overdue.promise]);
    if (isVerdict(verdict)) return verdict;
  } catch (cause) {
    throw failed(signal.aborted ? "did not answer in time" : "threw an error", cause);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  throw failed("gave no answer that can be read");
}

/** Says nothing of what was thrown: it may quote the prompt, or whom the hook asks. */
function failed(how: string, cause?: unknown): MixcacheError {
  return new MixcacheError(
    "moderation_failed",
    `This server's moderation ${how}, and nothing is made without it. Nothing was charged; try again, or tell the operator.`,
    { cause },
  );
}

function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== "object" || value === null || !("allowed" in value)) return false;
  const reason = "reason" in value ? value.reason : undefined;
  return typeof value.allowed === "boolean" && (reason === undefined || typeof reason === "string");
}
