/** What receivers get: `{type, timestamp, data}`, under 20 kB, the same bytes at every attempt. */

/** The specification's limit; what receivers may refuse above it. */
export const MAX_BODY_BYTES = 20_000;

/** Texts are cut to this where the whole would be too large. */
const SHORT_CHARACTERS = 500;

type Data = Readonly<Record<string, unknown>>;

/** An event as it was written down. */
export interface Told {
  readonly type: string;
  readonly happenedAt: Date;
  /** The video as the API showed it at that moment. */
  readonly payload: Data;
}

/** One way of making it smaller. @returns undefined where there is nothing to be saved */
type Cut = (data: Data) => Data | undefined;

const CUTS: readonly (readonly [name: string, cut: Cut])[] = [
  ["negative_prompt", shortened("negative_prompt")],
  ["prompt", shortened("prompt")],
  ["error.message", shortenedError],
  ["cache.options", withoutOptions],
  ["metadata", (data) => (hasKeys(data.metadata) ? { ...data, metadata: {} } : undefined)],
];

/** The body. Where it would be too large, `data.truncated` names what was cut, in the order of cutting. */
export function bodyOf({ type, happenedAt, payload }: Told): string {
  const write = (data: Data) => JSON.stringify({ type, timestamp: happenedAt.toISOString(), data });
  let data = payload;
  const truncated: string[] = [];
  for (const [name, cut] of CUTS) {
    const body = write(data);
    if (Buffer.byteLength(body) < MAX_BODY_BYTES) return body;
    const smaller = cut(data);
    if (!smaller) continue;
    truncated.push(name);
    data = { ...smaller, truncated };
  }
  return write(data);
}

function shortened(name: string): Cut {
  return (data) => {
    const text = data[name];
    return typeof text === "string" && text.length > SHORT_CHARACTERS
      ? { ...data, [name]: short(text) }
      : undefined;
  };
}

function shortenedError(data: Data): Data | undefined {
  const { error } = data;
  if (!hasKeys(error) || typeof error.message !== "string" || error.message.length <= SHORT_CHARACTERS)
    return undefined;
  return { ...data, error: { ...error, message: short(error.message) } };
}

function withoutOptions(data: Data): Data | undefined {
  const { cache } = data;
  return hasKeys(cache) && hasKeys(cache.options) ? { ...data, cache: { ...cache, options: {} } } : undefined;
}

function hasKeys(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** Whole characters: half of a pair would be written as an escape that no text has. */
function short(text: string): string {
  return `${text.slice(0, SHORT_CHARACTERS).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
