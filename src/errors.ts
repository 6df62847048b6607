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
  storage_full: "output",
  storage_failed: "output",
  storage_digest_mismatch: "output",
  engine_busy: "engine",
  engine_failed: "engine",
  engine_crashed: "engine",
  engine_out_of_memory: "engine",
  engine_hung: "engine",
  engine_unavailable: "engine",
  results_differ: "engine",
  decisions_differ: "fault",
  account_not_found: "input",
  video_not_found: "input",
  video_live: "input",
  streams_full: "input",
  queue_full: "input",
  rate_limited: "input",
  spend_cap_reached: "input",
  account_busy: "input",
  moderation_refused: "input",
  moderation_failed: "engine",
  credit_insufficient: "input",
  credit_exists: "input",
  hold_exists: "fault",
  hold_missing: "fault",
  settled_already: "fault",
  ledger_refused: "fault",
  idempotency_conflict: "input",
  attempt_lost: "interrupted",
  database_locked: "input",
  database_unavailable: "fault",
  database_newer: "input",
  database_older: "input",
  database_misused: "fault",
  invalid_api_key: "input",
  edge_proof_invalid: "input",
  cell_unavailable: "engine",
  scope_missing: "input",
  key_not_found: "input",
  webhook_not_found: "input",
  webhook_limit: "input",
  webhook_disabled: "input",
  webhook_secret_sealed: "fault",
  delivery_not_found: "input",
  model_not_found: "input",
  parameter_unknown: "input",
  not_supported: "input",
  video_not_ready: "input",
  content_missing: "input",
  video_expired: "input",
  installation_mismatch: "input",
  route_unknown: "input",
  method_not_allowed: "input",
  body_too_large: "input",
  head_too_large: "input",
  media_type_unsupported: "input",
  launch_failed: "engine",
  backup_failed: "fault",
  backup_invalid: "input",
  database_not_empty: "input",
  server_unreachable: "engine",
  server_failed: "engine",
  aborted: "interrupted",
} as const satisfies Record<string, ErrorKind>;

/** Stable codes; programs may switch on them. docs/failure-modes.md has each. */
export type ErrorCode = keyof typeof KIND_OF;
export const ERROR_CODES = Object.keys(KIND_OF) as readonly ErrorCode[];

export interface MixcacheErrorOptions {
  readonly cause?: unknown;
  /** The request field or option at fault, for `invalid_argument`. */
  readonly field?: string;
  /** When the same may succeed, where that is known. */
  readonly retryAfterSeconds?: number;
}

/** An error whose message is a sentence for a person and whose `code` is for a program. */
export class MixcacheError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: MixcacheErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MixcacheError";
    this.code = code;
    this.field = options.field;
    this.retryAfterSeconds = options.retryAfterSeconds;
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

/** A `MixcacheError` between processes, threads or workers. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string;
}

/** Makes an error ready to be sent. */
export function toWire({ code, message, field }: MixcacheError): WireError {
  return { code, message, ...(field !== undefined && { field }) };
}

/** The error that was sent. */
export function fromWire({ code, message, field }: WireError): MixcacheError {
  return new MixcacheError(code, message, field === undefined ? {} : { field });
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
