import {
  checkTarget,
  finishRegistration,
  listTargets,
  registerTarget,
  type TargetProblem,
  type TargetRequest,
} from '@rekey/schema';
import { type Call, CommandError, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { styled } from '../output.ts';
import { openTable } from '../table.ts';
import { withDatabase } from './with-database.ts';

export async function register(call: Call): Promise<number> {
  const target = requestOf(call);
  return withDatabase(call, async (store) => {
    const problems = await checkTarget(store, target);
    const errors = problems.filter(({ severity }) => severity === 'error');
    if (call.on('check')) {
      call.tell({ target: target.name, registrable: errors.length === 0, problems }, () => {
        for (const problem of problems) tellProblem(call, problem);
        call.out.line(
          errors.length === 0
            ? `${target.table} can be registered as ${target.name}. Nothing was changed.`
            : `${target.table} cannot be registered as ${target.name} yet. Nothing was changed.`,
        );
      });
      return errors.length === 0 ? exitCodes.completed : exitCodes.failed;
    }
    if (errors.length > 0)
      throw new CommandError(
        'TARGET_REFUSED',
        [`${target.table} cannot be registered as ${target.name}:`, ...errors.map(sentence)].join(' '),
        exitCodes.failed,
      );
    if (!call.on('json')) for (const problem of problems) tellProblem(call, problem);
    await registerTarget(store, target);
    const wasLarge = await finishRegistration(store, target.name);
    call.tell({ target: target.name, registered: true, problems }, () =>
      call.out.line(
        `${target.table} is registered as ${target.name}${wasLarge ? ', and what stood in it before was looked through' : ''}.`,
      ),
    );
    return exitCodes.completed;
  });
}

const sentence = ({ problem, code }: TargetProblem): string => `${problem} (${code})`;

function tellProblem({ out }: Call, problem: TargetProblem): void {
  out.line(styled(problem.severity === 'error' ? 'bad' : 'bold', problem.severity), `  ${sentence(problem)}`);
}

function requestOf(call: Call): TargetRequest {
  const [name = ''] = call.operands;
  const itemType = call.option('type');
  const table = call.option('table');
  if (itemType === undefined || table === undefined)
    throw new UsageError('Both --type and --table are needed.');
  return {
    name,
    itemType,
    table,
    id: call.option('id-column'),
    tenant: call.option('tenant-column'),
    key: call.option('key-column'),
    ciphertext: call.option('ciphertext-column'),
  };
}

const columns = [
  { heading: 'TARGET' },
  { heading: 'COUNTS AS' },
  { heading: 'TABLE' },
  { heading: 'COLUMNS' },
  { heading: 'STATE' },
];

export async function list(call: Call): Promise<number> {
  const targets = await withDatabase(call, listTargets);
  call.tell({ targets }, () => {
    openTable(call.out, columns).add(
      targets.map(({ name, itemType, table, columns, finished }) => [
        name,
        { text: itemType, short: '' },
        table,
        { text: Object.values(columns).join(', '), short: '' },
        finished ? 'registered' : { text: 'not finished: register it again', style: 'bad' },
      ]),
    );
    if (targets.length === 0) call.err.line('There is none.');
  });
  return exitCodes.completed;
}
