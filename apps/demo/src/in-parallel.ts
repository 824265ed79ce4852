/**
 * Does `work` for the numbers 0 to `count` - 1, so many at a time, and stops at the first error or when the signal is
 * aborted.
 */
export async function inParallel(
  { count, atATime, signal }: { count: number; atATime: number; signal: AbortSignal },
  work: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    try {
      while (next < count) {
        signal.throwIfAborted();
        const number = next;
        next += 1;
        await work(number);
      }
    } catch (error) {
      next = count;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: atATime }, lane));
  const failed = ended.find((lane) => lane.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
