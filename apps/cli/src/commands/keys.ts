import type { Call, Command } from '../command.ts';
import { confirm, yes } from '../confirm.ts';
import { conditionState, conditionText, destructionLines } from '../destruction-text.ts';
import { exitCodes } from '../exit-codes.ts';
import { tellFacts, tellText } from '../facts.ts';
import type { Style } from '../output.ts';
import { count, words } from '../rotation-text.ts';
import { type Cell, openTable } from '../table.ts';
import { idCell, momentCell } from '../times.ts';

type Client = ReturnType<Call['client']>;
type Key = Awaited<ReturnType<Client['getKey']>>['data'];
type Destruction = Awaited<ReturnType<Client['getDestruction']>>['data'];

const operands = ['key'];
const reason = { value: 'TEXT', about: 'why; kept with the event' } as const;
const states = ['pre_active', 'active', 'deactivated', 'compromised', 'destroyed'] as const;
const pathOf = ({ operands: [keyId = ''] }: Call) => ({ keyId });

export const keys: Command = {
  name: 'keys',
  about: 'list keys, by tenant and number',
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'of this tenant only, with how many records stand under each' },
    state: { value: 'STATE', about: 'only', oneOf: states },
    kek: { value: 'KEK', about: 'only those that are wrapped under the KEK of this id' },
  },
  async run(call) {
    const state = states.find((one) => one === call.option('state'));
    const [tenantId, kekId] = [call.option('tenant'), call.option('kek')];
    const given = {
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(state === undefined ? {} : { state }),
      ...(kekId === undefined ? {} : { kekId }),
    };
    const gathered: Key[] = [];
    let cursor: string | null = null;
    do {
      const query: typeof given & { limit: number; cursor?: string } = {
        ...given,
        limit: 200,
        ...(cursor === null ? {} : { cursor }),
      };
      const page: { keys: Key[]; nextCursor: string | null } = (await call.client().listKeys({ query })).data;
      cursor = page.nextCursor;
      gathered.push(...page.keys);
    } while (cursor !== null);
    call.tell({ keys: gathered }, () => {
      openTable(call.out, columns(tenantId !== undefined)).add(gathered.map(row));
      if (gathered.length === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};

const columns = (tenantIsKnown: boolean) => [
  { heading: 'KEY' },
  { heading: 'TENANT', known: tenantIsKnown },
  { heading: 'NO.', isNumber: true },
  { heading: 'STATE' },
  { heading: 'RECORDS', isNumber: true },
  { heading: 'CREATED (UTC)' },
  { heading: 'LAST USED (UTC)' },
  { heading: 'TO DESTROY (UTC)' },
  { heading: 'KEK' },
];

const styles: Partial<Record<Key['state'], Style>> = { active: 'good', compromised: 'bad' };

function row({
  keyId,
  tenantId,
  keyNumber,
  state,
  draining,
  records,
  kekId,
  ...key
}: Key): (Cell | string)[] {
  return [
    keyId,
    idCell(tenantId),
    { text: String(keyNumber), short: '' },
    { text: `${words(state)}${draining ? ', drains' : ''}`, short: words(state), style: styles[state] },
    records === null ? '' : { text: String(records), shown: count(records) },
    momentCell(key.createdAt),
    { ...momentCell(key.lastUsedAt), short: '' },
    momentCell(key.destructionDueAt),
    { text: kekId ?? '', short: '' },
  ];
}

export const keysCompromise: Command = {
  name: 'keys compromise',
  operands,
  about: 'declare a key compromised: the active one is replaced before all others',
  remote: true,
  options: {
    reason,
    kek: { value: 'NAME', about: 'wrap the key that replaces it under the KEK of this name' },
    yes,
  },
  async run(call) {
    const path = pathOf(call);
    const { tenantId } = (await call.client().getKey({ path })).data;
    await confirm(call, `Declaring ${path.keyId} compromised`, tenantId);
    const [why, kek] = [call.option('reason'), call.option('kek')];
    const body = { ...(why === undefined ? {} : { reason: why }), ...(kek === undefined ? {} : { kek }) };
    const { data } = await call.client().compromiseKey({ path, body });
    call.tell(data, () => {
      const { keyId, rotation, records } = data;
      if (rotation !== null)
        call.out.line(`${keyId}  ${rotation.rotationId} replaces it by ${rotation.newKeyId}`);
      else call.out.line(`${keyId}  compromised; ${records ?? 0} records still stand under it`);
      for (const target of data.targets)
        if (target.records > 0) call.out.line(`  ${target.target}  ${target.records}`);
    });
    return exitCodes.completed;
  },
};

function show(call: Call, destruction: Destruction): number {
  call.tell(destruction, () => {
    for (const line of destructionLines(destruction)) tellText(call.out, line);
    if (destruction.conditions.length === 0) return;
    call.out.line('');
    tellFacts(
      call.out,
      destruction.conditions.map((one) => [conditionState(one), conditionText(one)]),
    );
  });
  return exitCodes.completed;
}

const input = (call: Call) => {
  const why = call.option('reason');
  return why === undefined ? { path: pathOf(call) } : { path: pathOf(call), body: { reason: why } };
};

export const keyDestruction: Command = {
  name: 'key destruction',
  operands,
  about: 'say whether a key may be destroyed, condition by condition',
  remote: true,
  run: async (call) => show(call, (await call.client().getDestruction({ path: pathOf(call) })).data),
};

export const keySchedule: Command = {
  name: 'key schedule-destruction',
  operands,
  about: 'ask for a key to be destroyed after its grace period',
  remote: true,
  options: { reason, yes },
  async run(call) {
    const { tenantId } = (await call.client().getDestruction({ path: pathOf(call) })).data;
    await confirm(call, `Destroying ${call.operands[0] ?? ''}, once it is done,`, tenantId);
    return show(call, (await call.client().scheduleDestruction(input(call))).data);
  },
};

export const keyCancel: Command = {
  name: 'key cancel-destruction',
  operands,
  about: 'keep a key that was to be destroyed',
  remote: true,
  options: { reason },
  run: async (call) => show(call, (await call.client().cancelDestruction(input(call))).data),
};

export const keyApprove: Command = {
  name: 'key approve',
  operands,
  about: 'agree to the destruction of a key, as its conditions stand',
  remote: true,
  options: { reason },
  run: async (call) => show(call, (await call.client().approveDestruction(input(call))).data),
};
