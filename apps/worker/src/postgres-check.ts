import type { Store } from '@rekey/db';
import type { Logger } from '@rekey/runtime';
import { checkWorkerWork } from '@rekey/schema';

/** Whether Postgres does what the work needs; why it does not is told once for each reason, however often it is asked. */
export function createPostgresCheck(store: Store, logger: Logger): () => Promise<boolean> {
  let told = '';
  return async () => {
    try {
      await checkWorkerWork(store);
      told = '';
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : '';
      if (reason !== told) logger.warn('postgres does not do what work needs', { error });
      told = reason;
      return false;
    }
  };
}
