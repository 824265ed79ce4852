import { type CommandDependencies, startNextMember } from '@rekey/commands';
import { settleCampaigns } from '@rekey/control';
import type { Logger } from '@rekey/runtime';
import { untilStopped } from './until-stopped.ts';

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
  await untilStopped('starting of campaigns’ tenants', () => lead(campaigning), campaigning);
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
