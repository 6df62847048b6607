/** Which failures of the database are worth another try. */

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const TIMES = 3;

/** A statement is prepared, and what it gives has other columns since: somebody changed the schema. */
export const OUTDATED_PLAN = "0A000";

/** The SQLSTATE of a driver's error, or the code of a system error. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** Runs a statement or a transaction, again where the database gave it up though nothing is wrong with it. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      return await work();
    } catch (error) {
      const passing = [SERIALIZATION_FAILURE, DEADLOCK, OUTDATED_PLAN].includes(codeOf(error) ?? "");
      if (time === TIMES || !passing) throw error;
    }
  }
}
