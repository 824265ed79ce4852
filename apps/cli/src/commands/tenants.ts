import type { Call, Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { tellText } from '../facts.ts';
import type { Style } from '../output.ts';
import { type Cell, openTable } from '../table.ts';
import { idCell, momentCell } from '../times.ts';

type Page = Awaited<ReturnType<ReturnType<Call['client']>['listTenants']>>['data'];
type Tenant = Page['tenants'][number];

const levels = ['fresh', 'due', 'overdue', 'orphaned'] as const;

const columns = [
  { heading: 'TENANT' },
  { heading: 'NAME', least: 12 },
  { heading: 'KEY' },
  { heading: 'OVERDUE (UTC)' },
  { heading: 'WRAPPING' },
  { heading: 'ROTATION' },
];

const styleOf = (level: string | null): Style | undefined =>
  level === 'fresh' ? 'good' : level === 'overdue' || level === 'orphaned' ? 'bad' : undefined;

function row({
  tenantId,
  name,
  activeKey,
  level,
  overdueAt,
  wrapping,
  rotationId,
}: Tenant): (Cell | string)[] {
  return [
    tenantId,
    name,
    { text: level ?? (activeKey === null ? 'none yet' : ''), style: styleOf(level) },
    momentCell(overdueAt),
    { text: wrapping?.level ?? '', style: styleOf(wrapping?.level ?? null) },
    rotationId === null ? '' : { ...idCell(rotationId), shown: rotationId },
  ];
}

export const tenants: Command = {
  name: 'tenants',
  about: 'list tenants, and how their keys stand by their policies',
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'of this tenant only' },
    level: { value: 'LEVEL', about: 'only those whose key stands so', oneOf: levels },
    wrapping: { value: 'LEVEL', about: 'only those whose wrapping stands so', oneOf: levels },
  },
  async run(call) {
    const tenantId = call.option('tenant');
    const levelOf = (option: string) => levels.find((one) => one === call.option(option));
    const [level, wrapping] = [levelOf('level'), levelOf('wrapping')];
    const given = {
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(level === undefined ? {} : { level }),
      ...(wrapping === undefined ? {} : { wrapping }),
    };
    const gathered: Tenant[] = [];
    let [cursor, seenAt]: [string | null, string | null] = [null, null];
    do {
      const query: typeof given & { limit: number; cursor?: string } = {
        ...given,
        limit: 200,
        ...(cursor === null ? {} : { cursor }),
      };
      const page: Page = (await call.client().listTenants({ query })).data;
      [cursor, seenAt] = [page.nextCursor, page.seenAt ?? seenAt];
      gathered.push(...page.tenants);
    } while (cursor !== null);
    call.tell({ tenants: gathered, seenAt }, () => {
      openTable(call.out, columns).add(gathered.map(row));
      if (gathered.length === 0) call.err.line('There is none.');
      else if (seenAt === null) tellText(call.err, 'No worker has looked how they stand by their policies.');
    });
    return exitCodes.completed;
  },
};
