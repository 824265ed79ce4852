import type { Rotation } from '@rekey/contract';
import type { Vault } from '@rekey/vault';
import { pause } from './abort.ts';
import { startApplication } from './application.ts';
import type { RotationClient } from './client.ts';
import { DemoError } from './demo-error.ts';
import type { Ledger } from './ledger.ts';
import type { RecordSet } from './records.ts';
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
  readonly client: RotationClient;
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
    const { rotationId } = await client.rotate();
    screen.print('', `  POST /api/v1/admin/dek/rotate   200   ${rotationId}`);
    const { rotation, completedAt } = await follow(client, rotationId, calledAt, signal, show.update);

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
  client: RotationClient,
  rotationId: string,
  calledAt: number,
  signal: AbortSignal,
  update: (rotation: Rotation) => void,
): Promise<{ rotation: Rotation; completedAt: number }> {
  let last = '';
  let changedAt = calledAt;
  for (;;) {
    const rotation = await client.status(rotationId);
    const now = performance.now();
    update(rotation);
    if (rotation.completedAt !== null) return { rotation, completedAt: now };

    const { phase, itemsRemaining, waitingFor } = rotation;
    const state = JSON.stringify({ phase, itemsRemaining });
    if (state !== last) changedAt = now;
    last = state;
    if (now - changedAt > patienceMs) {
      const why = waitingFor === null ? '' : `, waiting for: ${waitingFor}`;
      throw new DemoError('STALLED', `The rotation has stood still for two minutes (${phase}${why}).`);
    }
    await pause(now - calledAt < atFirstMs ? pollAtFirstMs : pollMs, signal);
  }
}
