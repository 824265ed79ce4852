/**
 * Questions that are asked in the same turn of the event loop are asked together, by one call; no asker gets what was read
 * before it asked. What is not among the answers is answered by null.
 */
export function gather<Answer>(
  ask: (keys: readonly string[]) => Promise<ReadonlyMap<string, Answer>>,
): (key: string) => Promise<Answer | null> {
  let gathered = new Set<string>();
  let answers: Promise<ReadonlyMap<string, Answer>> | null = null;
  return async (key) => {
    gathered.add(key);
    answers ??= new Promise((resolve) => {
      setImmediate(() => {
        const keys = [...gathered];
        gathered = new Set();
        answers = null;
        resolve(ask(keys));
      });
    });
    return (await answers).get(key) ?? null;
  };
}
