/**
 * Reads something again and again, one time after the other. What is older than `old` milliseconds is not told: whoever acts
 * on it could not tell it from what is so now.
 */
export function readRegularly<Value>(
  read: () => Promise<Value | null>,
  { every, old }: { readonly every: number; readonly old: number },
): { latest(): Value | null; close(): void } {
  let value: Value | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const again = async (): Promise<void> => {
    const askedAt = performance.now();
    // Others say what is away.
    const found = await read().catch(() => null);
    if (found !== null) {
      value = found;
      readAt = askedAt;
    }
    if (!closed) timer = setTimeout(() => void again(), every).unref();
  };
  void again();
  return {
    latest: () => (performance.now() - readAt < old ? value : null),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
