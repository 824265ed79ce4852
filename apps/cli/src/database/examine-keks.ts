import { findKeksInUse, sampleDeks } from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import { unwrapStored } from '@rekey/keyring';
import { type Keks, KmsError } from '@rekey/kms';
import type { Finding } from '@rekey/schema';

interface Examined {
  readonly findings: Finding[];
  readonly unseen: string[];
}

/** Bound to nothing that is stored: a wrapped probe is nobody's DEK. */
const aad = Buffer.from('rekey doctor');

/** Whether each KEK of this process does what it must: unwraps what it wraps, and the DEKs that are stored under it. */
export async function examineKeks(keks: Keks, store: Store | null): Promise<Examined> {
  const findings = await roundTrip(keks);
  if (store === null) return { findings, unseen: [] };
  try {
    findings.push(...(await notHeld(keks, store)));
    findings.push(...(await notUnwrapped(keks, store)));
    return { findings, unseen: [] };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { findings, unseen: [`stored DEKs: ${error.message}`] };
  }
}

async function notHeld({ held }: Keks, store: Store): Promise<Finding[]> {
  const inUse = await findKeksInUse(store, null);
  return inUse
    .filter(({ kekId }) => !held.some(({ id }) => id === kekId))
    .map(({ kekId, kekUri }) => ({
      code: 'KEK_NOT_HELD',
      level: 'error',
      what: `DEKs are wrapped under ${kekId}, which this process was not given; it was at ${kekUri}.`,
      todo: 'name it in KEK_URI or KEK_URIS_UNWRAP_ONLY, here and for every worker and vault',
    }));
}

async function notUnwrapped(keks: Keks, store: Store): Promise<Finding[]> {
  const kekIds = keks.held.map(({ id }) => id);
  const trouble = new Map<string, string>();
  for (const dek of await sampleDeks(store, { kekIds, exceptDekId: null })) {
    if (!kekIds.includes(dek.kekId) || trouble.has(dek.kekId)) continue;
    try {
      (await unwrapStored(keks, dek.tenantId, dek)).fill(0);
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      trouble.set(dek.kekId, `dek-${dek.id} of tenant ${dek.tenantId} is not unwrapped: ${error.message}.`);
    }
  }
  return [...trouble.values()].map((what) => ({
    code: 'DEK_NOT_UNWRAPPED',
    level: 'error',
    what,
    todo: 'restore its row in rekey.dek_material from a backup, or give the process the right KEK',
  }));
}

async function roundTrip({ held: [wrapsNew] }: Keks): Promise<Finding[]> {
  if (wrapsNew === undefined) return [];
  const probe = Buffer.alloc(32, 0x5a);
  const unusable = (why: string): Finding[] => [
    {
      code: 'KEK_UNUSABLE',
      level: 'error',
      what: `KEK_URI: ${why}`,
      todo: 'see its key, its network and the rights of this identity (docs/kek-providers.md)',
    },
  ];
  try {
    const unwrapped = await wrapsNew.unwrap(await wrapsNew.wrap(probe, aad), aad);
    return unwrapped.equals(probe) ? [] : unusable('what it wraps it does not unwrap.');
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    return unusable(error.message);
  }
}
