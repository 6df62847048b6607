/** Which failures of a transaction are worth running it again. */

const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const TIMES = 3;

/** The SQLSTATE of a driver's error, or the code of a system error. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** Runs the work, again where the database gave it up to resolve a conflict between transactions. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let time = 1; ; time++) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (time === TIMES || (code !== DEADLOCK && code !== SERIALIZATION_FAILURE)) throw error;
    }
  }
}
