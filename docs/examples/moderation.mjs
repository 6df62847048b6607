// A hook for MODERATION: refuses prompts by words, and frames that are all black. See docs/moderation.md.

const WORDS = /\b(real person|celebrity)\b/i;

export async function moderate(asked, { signal }) {
  signal.throwIfAborted();
  if (asked.kind === "prompt") {
    return WORDS.test(asked.prompt) ? { allowed: false, reason: "no real people" } : { allowed: true };
  }
  return { allowed: asked.data.some((value) => value > 8) };
}
