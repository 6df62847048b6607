/** Statements of one transaction that need nothing of each other's answers: PostgreSQL gets them in one go. */

/**
 * Waits for all of them, also where one fails: none may be under way when its transaction ends.
 * @throws what the first of them that failed threw
 */
export async function atOnce<Answers extends readonly unknown[]>(
  statements: {
    readonly [Index in keyof Answers]: Promise<Answers[Index]>;
  },
): Promise<Answers> {
  await Promise.allSettled(statements);
  return Promise.all(statements) as unknown as Promise<Answers>;
}
