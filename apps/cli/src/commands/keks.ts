import type { Call, Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { count } from '../rotation-text.ts';
import { type Cell, openTable } from '../table.ts';

type Kek = Awaited<ReturnType<ReturnType<Call['client']>['listKeks']>>['data']['keks'][number];

const columns = [
  { heading: 'NAME' },
  { heading: 'KEK' },
  { heading: 'KEYS', isNumber: true },
  { heading: 'IN USE', isNumber: true },
  { heading: 'COMPROMISED', isNumber: true },
  { heading: 'WORKERS', isNumber: true },
  { heading: 'VAULTS', isNumber: true },
];

function kekRow({ name, kekId, keys, workers, vaults }: Kek): (Cell | string)[] {
  const all = keys.preActive + keys.active + keys.deactivated + keys.compromised;
  const number = (value: number): Cell => ({ text: String(value), shown: count(value) });
  return [
    name ?? '(none)',
    kekId,
    number(all),
    { ...number(keys.active), short: '' },
    { ...number(keys.compromised), short: '', style: keys.compromised > 0 ? 'bad' : undefined },
    number(workers),
    number(vaults),
  ];
}

export const keks: Command = {
  name: 'keks',
  about: 'list key encryption keys, with the keys under each and who can use it',
  remote: true,
  async run(call) {
    const found: { keks: readonly Kek[] } = (await call.client().listKeks()).data;
    call.tell(found, () => {
      openTable(call.out, columns).add(found.keks.map(kekRow));
      if (found.keks.length === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};
