/** What a database's error says, the same for pg and PGlite. */

/** The name of the constraint or unique index that refused a row; undefined for every other error. */
export function brokenConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("constraint" in error) || typeof error.constraint !== "string")
    return undefined;
  return error.constraint;
}
