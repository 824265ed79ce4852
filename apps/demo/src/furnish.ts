import { idText, loadTargets, readWindow } from '@rekey/data';
import type { Store } from '@rekey/db';
import type { Vault } from '@rekey/vault';
import { plural } from './format.ts';
import { createRecordSet, proportions, targets, tenantId } from './records.ts';
import { seed } from './seed.ts';
import type { Scaffold } from './stack-up.ts';
import { step } from './step.ts';
import { takeStock } from './stock.ts';

/** Seeds the demo tenant, unless it has records already: then one of them is opened, to see that all is well. */
export async function furnish(
  { store, vault }: { store: Store; vault: Vault },
  records: number,
  scaffold: Scaffold,
): Promise<void> {
  const stock = await takeStock(store, null);
  const present = targets.reduce((sum, { target }) => sum + stock[target].records, 0);
  if (present === 0) return seed(vault, createRecordSet(proportions(records)), scaffold);
  await step(scaffold.screen, {
    doing: `${plural(present, 'record')} are there already`,
    work: async () => {
      const first = await anyRecord(store);
      if (first !== null) await vault.get({ ...first, tenantId });
    },
    done: () => [plural(present, 'record'), 'there already, left as they are'],
  });
}

async function anyRecord(store: Store): Promise<{ target: string; id: string } | null> {
  const everything = { lower: null, upper: null };
  const justOne = { tenantId, newKeyNumber: 0, after: null, identityBytes: 0, itemsMax: 1, bytesMax: 1 };
  for (const target of await loadTargets(store)) {
    const { records } = await readWindow(store, target, everything, justOne);
    if (records.length > 0) return { target: target.name, id: idText(target.idType, records.at(0).id) };
  }
  return null;
}
