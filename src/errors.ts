/**
 * The one error tree. Every failure that a person or a program can act on is a `MixcacheError` with a
 * stable `code`; its message is a sentence that says what is wrong and what to do.
 */

/** What kind of thing went wrong; decides exit codes and HTTP statuses in one place each. */
export type ErrorKind = "input" | "engine" | "output" | "interrupted" | "fault";

const KIND_OF = {
  invalid_argument: "input",
  bundle_not_found: "input",
  bundle_invalid: "input",
  bundle_format_unknown: "input",
  bundle_unreadable: "input",
  bundle_file_missing: "input",
  bundle_digest_mismatch: "input",
  bundle_unsupported: "input",
  profile_missing: "input",
  profile_invalid: "input",
  profile_mismatch: "input",
  media_codec_missing: "output",
  media_encode_failed: "output",
  output_unwritable: "output",
  output_disk_full: "output",
  engine_busy: "engine",
  engine_failed: "engine",
  engine_crashed: "engine",
  engine_out_of_memory: "engine",
  engine_hung: "engine",
  engine_unavailable: "engine",
  results_differ: "engine",
  decisions_differ: "fault",
  aborted: "interrupted",
} as const satisfies Record<string, ErrorKind>;

/** Stable codes; programs may switch on them. */
export type ErrorCode = keyof typeof KIND_OF;

export interface MixcacheErrorOptions {
  readonly cause?: unknown;
  /** The request field or option at fault, for `invalid_argument`. */
  readonly field?: string;
}

/** An error whose message is a sentence for a person and whose `code` is for a program. */
export class MixcacheError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: MixcacheErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MixcacheError";
    this.code = code;
    this.field = options.field;
  }

  get kind(): ErrorKind {
    return KIND_OF[this.code];
  }
}

/** Throws `invalid_argument` for one field of a request. */
export function invalid(field: string, sentence: string): never {
  throw new MixcacheError("invalid_argument", sentence, { field });
}

/** True for codes that this version knows; used where errors cross a process boundary. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(KIND_OF, code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
