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
      for (const { tenantId: id, name, level: stands, overdueAt, wrapping: wraps, rotationId } of gathered)
        call.out.line(
          [
            id,
            (stands ?? '-').padEnd(8),
            overdueAt ?? '-'.padEnd(24),
            ...(wraps === null ? [] : [`wrapping ${wraps.level}`]),
            rotationId ?? '',
            name,
          ]
            .join('  ')
            .trimEnd(),
        );
      if (gathered.length === 0) call.err.line('There is none.');
      else if (seenAt === null) call.err.line('No worker has looked how they stand by their policies.');
    });
    return exitCodes.completed;
  },
};
