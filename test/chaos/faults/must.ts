import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultTools } from './fault.ts';

const triesMax = 300;

/**
 * What has to be done is tried until it is: Postgres may be restarting, and a lock that is wanted may be taken. Each try
 * is one transaction, which waits for locks for 100 ms only, so that no writer waits long behind it.
 */
export async function must({ world }: Pick<FaultTools, 'world'>, statements: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const client = await world.pool.connect().catch(() => null);
    try {
      if (client === null) throw new Error('Postgres is away');
      await client.query(`begin; set local lock_timeout = '100ms'; ${statements}; commit`);
      client.release();
      return;
    } catch (error) {
      client?.release(true);
      if (tries === triesMax) {
        // What comes of it later would else be taken for the product's.
        world.history.violation('faults end', `${statements.slice(0, 100)}: ${error}`);
        throw error;
      }
      await sleep(100);
    }
  }
}
