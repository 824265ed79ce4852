import type { Call, Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

type Page = Awaited<ReturnType<ReturnType<Call['client']>['listTenants']>>['data'];
type Tenant = Page['tenants'][number];

const levels = ['fresh', 'due', 'overdue', 'orphaned'] as const;

export const tenants: Command = {
  name: 'tenants',
  about: 'list tenants, and how their keys stand by their policies',
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'of this tenant only' },
    level: { value: 'LEVEL', about: 'only those whose key stands so', oneOf: levels },
  },
  async run(call) {
    const [tenantId, level] = [call.option('tenant'), levels.find((one) => one === call.option('level'))];
    const given = {
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(level === undefined ? {} : { level }),
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
      for (const { tenantId: id, name, level: stands, overdueAt, rotationId } of gathered)
        call.out.line(
          [id, (stands ?? '-').padEnd(8), overdueAt ?? '-'.padEnd(24), rotationId ?? '', name]
            .join('  ')
            .trimEnd(),
        );
      if (gathered.length === 0) call.err.line('There is none.');
      else if (seenAt === null) call.err.line('No worker has looked how they stand by their policies.');
    });
    return exitCodes.completed;
  },
};
