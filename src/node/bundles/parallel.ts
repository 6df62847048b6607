/** A few pieces of work at a time. */

/** As many transfers as a disk and a connection have use for. */
const AT_ONCE = 4;

/** Does the work for every item. Where one fails, no more are begun, and the first error is thrown. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  let failed: { readonly error: unknown } | undefined;
  const worker = async () => {
    for (const item of left) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (failed) throw failed.error;
}
