import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

type Page = Awaited<
  ReturnType<ReturnType<Parameters<Command['run']>[0]['client']>['listRotationFailures']>
>['data'];

export const failures: Command = {
  name: 'failures',
  operands: ['rotation'],
  about: 'list the records that a rotation set aside',
  remote: true,
  async run(call) {
    const [rotationId = ''] = call.operands;
    const gathered: Page['failures'] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } =
        cursor === null ? { limit: 100 } : { limit: 100, cursor };
      const page: Page = (await call.client().listRotationFailures({ path: { rotationId }, query })).data;
      cursor = page.nextCursor;
      if (call.on('json')) gathered.push(...page.failures);
      else
        for (const { target, recordId, reason, at } of page.failures)
          call.out.line(`${target}  ${recordId}  ${reason}  ${at}`);
    } while (cursor !== null);
    call.tell({ rotationId, failures: gathered }, () => {});
    return exitCodes.completed;
  },
};
