import { type ClaimedChoice, claimKekChoices, settleKekChoice } from '@rekey/control';
import type { Queryable } from '@rekey/db';
import { tryTenantKek } from '@rekey/keyring';
import { type Keks, KmsError, openTenantKek } from '@rekey/kms';
import type { Logger } from '@rekey/runtime';

const atOnce = 8;

/** What no attempt mends: something else has to be chosen. What the KMS refuses may be granted later. */
const forGood: ReadonlySet<string> = new Set(['INVALID_URI', 'UNSUPPORTED_URI', 'CORRUPT']);

/** Tries the KEKs that tenants have chosen; from a round trip on they are used. One attempt takes some seconds at most. */
export function createTryChosenKeks({
  store,
  keks,
  logger,
}: {
  readonly store: Queryable;
  readonly keks: Keks;
  readonly logger: Logger;
}): () => Promise<void> {
  let isAtWork = false;

  async function tryOne({ tenantId, id, name, parts, sharedKekId }: ClaimedChoice): Promise<void> {
    const about = { tenantId, kek: name };
    try {
      const isOpened = sharedKekId === null;
      const kek = isOpened
        ? await openTenantKek(rulesOf(keks), { tenantId, name, parts })
        : await keks.of(sharedKekId);
      try {
        await tryTenantKek(kek, tenantId, id);
      } finally {
        if (isOpened) await kek.close();
      }
      const status = await settleKekChoice(store, id, { kekId: kek.id });
      if (status === 'active') logger.info('a tenant uses a KEK of its choice', about);
      if (status === 'refused') logger.warn('a tenant chose a KEK that is not its own', about);
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      logger.warn('a KEK that a tenant chose cannot be used', { ...about, error });
      // Another worker may have it.
      if (error.code === 'NOT_HELD') return;
      await settleKekChoice(store, id, { trouble: error.code, forGood: forGood.has(error.code) });
    }
  }

  return async () => {
    if (isAtWork) return;
    const due = await claimKekChoices(store, atOnce);
    if (due.length === 0) return;
    isAtWork = true;
    // Not waited for: a KMS that is silent holds up no other chore.
    void Promise.allSettled(due.map(tryOne)).then((settled) => {
      isAtWork = false;
      for (const { status, ...found } of settled)
        if (status === 'rejected')
          logger.debug('trying a KEK waits', { error: 'reason' in found ? found.reason : null });
    });
  };
}

function rulesOf({ tenantKeks }: Keks) {
  return tenantKeks ?? { templates: new Map(), addresses: 'public' as const };
}
