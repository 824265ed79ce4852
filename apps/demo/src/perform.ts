import type { Client } from '@rekey/client';
import type { Rotation } from '@rekey/contract';
import type { Vault } from '@rekey/vault';
import { pause } from './abort.ts';
import { startApplication } from './application.ts';
import { DemoError } from './demo-error.ts';
import type { Ledger } from './ledger.ts';
import { type RecordSet, tenantId } from './records.ts';
import type { Screen } from './screen.ts';
import { startShow } from './show.ts';
import type { Outcome } from './summary.ts';

/** A rotation of 85 records is over in a blink: the application is shown at work before and after it as well. */
const beforeMs = 1_500;
const afterMs = 1_000;

const pollMs = 100;
/** Right after the call, when small rotations end. */
const pollAtFirstMs = 20;
const atFirstMs = 1_000;

/** A rotation of which nothing has changed for this long is not going to end. */
const patienceMs = 120_000;

export interface Stage {
  readonly screen: Screen;
  readonly client: Pick<Client, 'rotate' | 'waitFor'>;
  readonly vault: Pick<Vault, 'get' | 'put'>;
  readonly records: RecordSet;
  readonly ledger: Ledger;
  readonly running: () => readonly string[];
  readonly signal: AbortSignal;
}

/** Rotates the key while the application works on the records, before, during and after, and shows it as it happens. */
export async function perform(stage: Stage): Promise<Outcome> {
  const { screen, client, vault, records, ledger, running, signal } = stage;
  const application = startApplication(vault, records, ledger);
  const show = startShow({ screen, application, counts: records.counts, running });
  try {
    await pause(beforeMs, signal);

    application.enter('during');
    show.enter('during');
    const calledAt = performance.now();
    const { rotationId } = await client.rotate(tenantId);
    screen.print('', `  POST /api/v1/admin/dek/rotate   200   ${rotationId}`);
    const { rotation, completedAt } = await follow(client, rotationId, calledAt, show.update);

    application.enter('after');
    show.enter('after');
    await pause(afterMs, signal);
    await application.stop();
    return { rotation, callToCompletedMs: completedAt - calledAt, activity: application.activity };
  } finally {
    await application.stop();
    show.end();
  }
}

async function follow(
  client: Stage['client'],
  rotationId: string,
  calledAt: number,
  update: (rotation: Rotation) => void,
): Promise<{ rotation: Rotation; completedAt: number }> {
  let last = '';
  let changedAt = calledAt;
  let now = calledAt;
  const rotation = await client.waitFor(rotationId, {
    everyMs: () => (performance.now() - calledAt < atFirstMs ? pollAtFirstMs : pollMs),
    // Of any length: it ends by itself when nothing changes any more.
    timeoutMs: Number.POSITIVE_INFINITY,
    onUpdate: (seen) => {
      now = performance.now();
      update(seen);
      const { phase, itemsRemaining, waitingFor, completedAt } = seen;
      const state = JSON.stringify({ phase, itemsRemaining });
      if (state !== last) changedAt = now;
      last = state;
      if (completedAt === null && now - changedAt > patienceMs) {
        const why = waitingFor === null ? '' : `, waiting for: ${waitingFor}`;
        throw new DemoError('STALLED', `The rotation has stood still for two minutes (${phase}${why}).`);
      }
    },
  });
  return { rotation, completedAt: now };
}
