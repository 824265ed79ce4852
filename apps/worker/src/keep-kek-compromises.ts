import { type CommandDependencies, replaceCompromised } from '@rekey/commands';
import { leadKekCompromises } from '@rekey/control';
import { StoreError } from '@rekey/db';
import type { Logger } from '@rekey/runtime';
import { untilStopped } from './until-stopped.ts';

interface Compromising extends Pick<CommandDependencies, 'store' | 'ticketQueue'> {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Rotations that are under way because of one KEK: enough that no worker waits for the next. */
const rotationsAtOnce = 100;

/**
 * Takes forward about once a second what follows from a compromised KEK, until the signal. Where it stands is what the DEKs
 * are: whoever dies, wherever, leaves nothing that the next look does not find.
 */
export async function keepKekCompromises(compromising: Compromising): Promise<void> {
  await untilStopped('replacing of what a compromised KEK wrapped', () => lead(compromising), compromising);
}

/** One look. */
export async function lead({ store, ticketQueue, logger, signal }: Compromising): Promise<void> {
  for (const next of await leadKekCompromises(store, rotationsAtOnce)) {
    if (signal.aborted) return;
    const started = await replaceCompromised({ store, ticketQueue }, next).catch((error: unknown) => {
      if (!(error instanceof StoreError && error.code === 'LOCKED')) throw error;
      // Somebody has that tenant: those behind it would wait as well, at each look.
      return { kind: 'locked' } as const;
    });
    const about = { compromiseId: next.compromiseId, tenantId: next.tenantId };
    // What is in the way of one is in the way of all; the next look finds what there is then.
    if (started.kind === 'kek_lacking' || started.kind === 'kek_not_found') {
      logger.warn('a DEK that a compromised KEK wrapped is not replaced yet', {
        ...about,
        reason: started.kind,
      });
      return;
    }
    if (started.kind === 'locked')
      logger.warn('a DEK that a compromised KEK wrapped is not replaced yet', { ...about, reason: 'locked' });
    else logger.debug(`a DEK that a compromised KEK wrapped: ${started.kind}`, about);
  }
}
