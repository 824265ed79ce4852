import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandDependencies, startNextMember } from '@rekey/commands';
import { settleCampaigns } from '@rekey/control';
import type { Logger } from '@rekey/runtime';
import { choresEveryMs } from '@rekey/times';

interface Campaigning extends Pick<CommandDependencies, 'store' | 'ticketQueue'> {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** In one look, so that what ended meanwhile is seen. */
const startedAtOnce = 100;

/**
 * Takes campaigns forward about once a second, until the signal. Whichever worker looks first leads for that moment, by the lock
 * on a campaign's row: there is nobody to elect or to wait for when one dies, and Redis is not needed to find any of it.
 */
export async function keepCampaigns(campaigning: Campaigning): Promise<void> {
  const { logger, signal } = campaigning;
  const { least, most } = choresEveryMs;
  for (;;) {
    await sleep(least + Math.random() * (most - least), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // Tried again by this worker or another: housekeeping says what lasts.
    await lead(campaigning).catch((error: unknown) => logger.debug('campaigns wait', { error }));
  }
}

/** One look: what ended, then whoever is next, for as long as there is room. */
export async function lead({ store, ticketQueue, logger, signal }: Campaigning): Promise<void> {
  await settleCampaigns(store);
  for (let n = 0; n < startedAtOnce && !signal.aborted; n += 1) {
    const next = await startNextMember({ store, ticketQueue });
    if (next === null) return;
    const { outcome, campaignId, tenantId } = next;
    logger[outcome === 'failed' ? 'warn' : 'debug'](`a tenant of a campaign ${outcome}`, {
      campaignId: `campaign-${campaignId}`,
      tenantId,
    });
  }
}
