import type { Rotation } from '@rekey/client';
import { type Call, type Command, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { statusCell } from '../rotation-text.ts';
import { type Cell, openTable } from '../table.ts';
import { idCell, momentCell } from '../times.ts';

const pageMax = 100;
const rowsDefault = 20;
const statuses = [
  'in_progress',
  'paused',
  'completed',
  'completed_with_failures',
  'failed',
  'cancelled',
] as const;
const phases = ['queued', 'activating', 'sweeping', 'verifying', 'done'] as const;

/** Which value a call gives that {@link run} has already found to be one of these. */
const chosen = <T extends string>(call: Call, name: string, oneOf: readonly T[]): T | undefined =>
  oneOf.find((value) => value === call.option(name));

export const list: Command = {
  name: 'list',
  about: 'list rotations, the newest first',
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'of this tenant only' },
    status: { value: 'STATUS', about: 'only', oneOf: statuses },
    phase: { value: 'PHASE', about: 'only', oneOf: phases },
    after: { value: 'TIME', about: 'started after it: ISO 8601' },
    before: { value: 'TIME', about: 'started before it: ISO 8601' },
    by: { value: 'SUBJECT', about: 'started by this `sub`' },
    limit: { value: 'N', about: `how many, ${rowsDefault} unless said` },
    all: { about: 'however many there are' },
  },
  async run(call) {
    const rows = call.on('all') ? Number.POSITIVE_INFINITY : rowsIn(call.option('limit'));
    const query = {
      tenantId: call.option('tenant'),
      status: chosen(call, 'status', statuses),
      phase: chosen(call, 'phase', phases),
      startedAfter: call.option('after'),
      startedBefore: call.option('before'),
      initiatedBy: call.option('by'),
    };
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
    const gathered: Rotation[] = [];
    const table = openTable(call.out, columns(query.tenantId !== undefined));
    let cursor: string | null = null;
    let told = 0;
    do {
      const limit = Math.min(pageMax, rows - told);
      const page: { rotations: Rotation[]; nextCursor: string | null } = (
        await call
          .client()
          .listRotations({ query: { ...given, limit, ...(cursor === null ? {} : { cursor }) } })
      ).data;
      told += page.rotations.length;
      cursor = page.nextCursor;
      if (call.on('json')) gathered.push(...page.rotations);
      else table.add(page.rotations.map(row));
    } while (cursor !== null && told < rows);
    call.tell({ rotations: gathered, more: cursor !== null }, () => {
      if (told === 0) call.err.line('There is none.');
      else if (cursor !== null) call.err.line('There are more: --all shows them.');
    });
    return exitCodes.completed;
  },
};

const columns = (tenantIsKnown: boolean) => [
  { heading: 'ROTATION' },
  { heading: 'TENANT', known: tenantIsKnown },
  { heading: 'STATUS' },
  { heading: 'PHASE' },
  { heading: 'DONE', isNumber: true },
  { heading: 'STARTED (UTC)' },
];

function row(rotation: Rotation): (Cell | string)[] {
  const { rotationId, tenantId, phase, percentComplete, startedAt } = rotation;
  return [
    rotationId,
    idCell(tenantId),
    statusCell(rotation),
    { text: phase, short: '' },
    { text: `${percentComplete} %`, short: '' },
    momentCell(startedAt),
  ];
}

export function rowsIn(text: string | undefined): number {
  if (text === undefined) return rowsDefault;
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new UsageError('--limit is a whole number from 1 on.');
  return Number(text);
}
