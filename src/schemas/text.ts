/** Texts that no database keeps: PostgreSQL has no zero byte, and JSON there no half of a surrogate pair. */

/** Whether a text can be stored and given back as it is. */
function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

/** Where in a value a text is that can't be stored; of a key, where it is. Undefined where there is none. */
export function unstorable(value: unknown): readonly string[] | undefined {
  const left: [value: unknown, path: readonly string[]][] = [[value, []]];
  // No recursion: how deep a value goes is up to the caller.
  for (let next = left.pop(); next; next = left.pop()) {
    const [one, path] = next;
    if (typeof one === "string" && !isStorable(one)) return path;
    if (typeof one !== "object" || one === null) continue;
    for (const [key, member] of Object.entries(one)) {
      if (!isStorable(key)) return path;
      left.push([member, [...path, key]]);
    }
  }
  return undefined;
}

/**
 * An id as somebody wrote it, fit for a statement and for a short message. What can't be one is nobody's: a replacement
 * character stands for what can't be kept.
 */
export function idAsGiven(text: string): string {
  return text.slice(0, 100).toWellFormed().replaceAll("\0", "\uFFFD");
}
