import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { openTable } from '../table.ts';
import { momentCell } from '../times.ts';

type Page = Awaited<
  ReturnType<ReturnType<Parameters<Command['run']>[0]['client']>['listRotationFailures']>
>['data'];

const columns = [
  { heading: 'RECORD' },
  { heading: 'TABLE' },
  { heading: 'REASON' },
  { heading: 'SET ASIDE (UTC)' },
];

export const failures: Command = {
  name: 'failures',
  operands: ['rotation'],
  about: 'list the records that a rotation set aside',
  remote: true,
  async run(call) {
    const [rotationId = ''] = call.operands;
    const gathered: Page['failures'] = [];
    const table = openTable(call.out, columns);
    let told = 0;
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } =
        cursor === null ? { limit: 100 } : { limit: 100, cursor };
      const page: Page = (await call.client().listRotationFailures({ path: { rotationId }, query })).data;
      cursor = page.nextCursor;
      told += page.failures.length;
      if (call.on('json')) gathered.push(...page.failures);
      else
        table.add(
          page.failures.map(({ target, recordId, reason, at }) => [
            recordId,
            target,
            { text: reason, style: 'bad' },
            momentCell(at),
          ]),
        );
    } while (cursor !== null);
    call.tell({ rotationId, failures: gathered }, () => {
      if (told === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};
