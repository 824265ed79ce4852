import { type Call, type Command, UsageError } from '../command.ts';
import { confirmCount, yes } from '../confirm.ts';
import { exitCodeOfRewrap, exitCodes } from '../exit-codes.ts';
import { count, statusCell, words } from '../rotation-text.ts';
import { type Cell, openTable } from '../table.ts';
import { idCell, momentCell } from '../times.ts';
import { durationMs, timeout } from '../watch.ts';

type Client = ReturnType<Call['client']>;
type Rewrap = Awaited<ReturnType<Client['getRewrap']>>['data'];
type Plan = Awaited<ReturnType<Client['planRewrap']>>['data'];

const everyMs = 1_000;
const operands = ['rewrap'];
const pathOf = ({ operands: [rewrapId = ''] }: Call) => ({ rewrapId });

/** Whose DEKs and under which KEK, as plan and start take them. */
const scope = {
  tenant: { value: 'ID', about: "this tenant's keys" },
  all: { about: 'or those of all tenants' },
  kek: { value: 'NAME', about: 'under which KEK, by its name in the configuration of workers' },
} as const;

function scopeOf(call: Call): { kek: string } & ({ tenantId: string } | { all: true }) {
  const tenantId = call.option('tenant');
  const kek = call.option('kek');
  if ((tenantId === undefined) !== call.on('all'))
    throw new UsageError('Whose keys? --tenant or --all is needed.');
  if (kek === undefined) throw new UsageError('Under which KEK? --kek is needed; rekey keks lists them.');
  return tenantId === undefined ? { kek, all: true } : { kek, tenantId };
}

function lines(rewrap: Rewrap): string[] {
  const { rewrapId, tenantId, kek, status, keysRewrapped, keysTotal, keysSetAside, waitingDetail } = rewrap;
  return [
    `${rewrapId}  ${words(status)}: ${keysRewrapped} of ${keysTotal} keys of ${tenantId ?? 'all tenants'} under ${kek}`,
    ...(keysSetAside > 0 ? [`${keysSetAside} set aside: their KEK did not unwrap them`] : []),
    ...(waitingDetail === null ? [] : [`waits: ${waitingDetail.what}. ${waitingDetail.todo}`]),
  ];
}

function show(call: Call, rewrap: Rewrap): number {
  call.tell(rewrap, () => {
    for (const line of lines(rewrap)) call.out.line(line);
  });
  return exitCodes.completed;
}

/** Ctrl-C ends the following only. */
async function follow(call: Call, rewrapId: string): Promise<number> {
  const patientUntil = performance.now() + durationMs(call.option('timeout'));
  let noticed = '';
  for (;;) {
    const rewrap = (await call.client(true).getRewrap({ path: { rewrapId } })).data;
    if (rewrap.completedAt !== null) {
      show(call, rewrap);
      return exitCodeOfRewrap(rewrap.status);
    }
    const now = lines(rewrap).join(' ');
    if (now !== noticed && !call.on('json')) for (const line of lines(rewrap)) call.out.line(line);
    noticed = now;
    if (performance.now() + everyMs > patientUntil) {
      call.err.line(`${rewrapId} goes on. To follow it again: rekey rewrap wait ${rewrapId}`);
      return exitCodes.timeOut;
    }
    await pause(call.signal);
    if (call.signal.aborted) {
      call.err.line(
        `Not watched any more; ${rewrapId} goes on. To follow it again: rekey rewrap wait ${rewrapId}`,
      );
      return exitCodes.interrupted;
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, everyMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

function census(call: Call, plan: Plan): void {
  const { out } = call;
  out.line(
    `${plan.keysToRewrap} keys of ${plan.tenantId ?? 'all tenants'} to bring under ${plan.kek} (${plan.kekId})`,
  );
  for (const { kekId, keys } of plan.census) {
    const { active, deactivated, compromised, preActive } = keys;
    out.line(
      `  under ${kekId}: ${active} active, ${deactivated + compromised} out of use, ${preActive} not in use yet`,
    );
  }
  out.line(`${plan.kmsCalls} calls of KMSs, no record touched`);
  for (const { kind, host, processId } of plan.lacking)
    out.line(`in the way: the ${kind} ${processId} on ${host} has not proved that it can use ${plan.kek}`);
}

export const rewrapPlan: Command = {
  name: 'rewrap plan',
  about: 'say what a rewrap would do, and who is in the way',
  remote: true,
  options: scope,
  async run(call) {
    const plan = (await call.client().planRewrap({ body: scopeOf(call) })).data;
    call.tell(plan, () => census(call, plan));
    return exitCodes.completed;
  },
};

export const rewrapStart: Command = {
  name: 'rewrap start',
  about: 'bring keys under another KEK: the same keys, no record touched',
  remote: true,
  options: {
    ...scope,
    calls: { value: 'N', about: 'calls of KMSs per second at most, 100 unless said' },
    reason: { value: 'TEXT', about: 'why; kept with the event' },
    force: { about: 'even if a process has not proved that KEK; needs a reason' },
    watch: { about: 'follow it to its end' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
    yes,
  },
  async run(call) {
    durationMs(call.option('timeout'));
    const scope = scopeOf(call);
    const calls = call.option('calls');
    if (calls !== undefined && !/^[1-9][0-9]{0,4}$/.test(calls))
      throw new UsageError('--calls is a whole number from 1 on.');
    const reason = call.option('reason');
    if (call.on('force') && reason === undefined) throw new UsageError('--force needs a --reason.');
    if ('all' in scope && !call.on('yes')) {
      const { keysToRewrap } = (await call.client().planRewrap({ body: scope })).data;
      await confirmCount(
        call,
        `A rewrap of all tenants brings ${keysToRewrap} keys under ${scope.kek}.`,
        keysToRewrap,
      );
    }
    const body = {
      ...scope,
      ...(calls === undefined ? {} : { callsPerSecondMax: Number(calls) }),
      ...(reason === undefined ? {} : { reason }),
      ...(call.on('force') ? { force: true } : {}),
    };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const started = (await call.client().startRewrap({ headers, body })).data;
    if (!call.on('watch')) return show(call, started);
    return follow(call, started.rewrapId);
  },
};

export const rewrapStatus: Command = {
  name: 'rewrap status',
  operands,
  about: 'say how a rewrap stands',
  remote: true,
  run: async (call) => show(call, (await call.client().getRewrap({ path: pathOf(call) })).data),
};

const columns = [
  { heading: 'REWRAP' },
  { heading: 'TENANT' },
  { heading: 'UNDER' },
  { heading: 'STATUS' },
  { heading: 'DONE', isNumber: true },
  { heading: 'KEYS', isNumber: true },
  { heading: 'STARTED (UTC)' },
];

const row = (rewrap: Rewrap): (Cell | string)[] => [
  rewrap.rewrapId,
  rewrap.tenantId === null ? 'all' : idCell(rewrap.tenantId),
  { text: rewrap.kek, short: '' },
  statusCell(rewrap),
  { text: `${rewrap.percentComplete} %`, short: '' },
  { text: String(rewrap.keysTotal), shown: count(rewrap.keysTotal), short: '' },
  momentCell(rewrap.startedAt),
];

export const rewrapList: Command = {
  name: 'rewrap list',
  about: 'list rewraps, the latest first',
  remote: true,
  options: { tenant: { value: 'ID', about: 'of this tenant only' } },
  async run(call) {
    const tenantId = call.option('tenant');
    const rewraps: Rewrap[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; tenantId?: string; cursor?: string } = {
        limit: 200,
        ...(tenantId === undefined ? {} : { tenantId }),
        ...(cursor === null ? {} : { cursor }),
      };
      const page: { rewraps: Rewrap[]; nextCursor: string | null } = (
        await call.client().listRewraps({ query })
      ).data;
      cursor = page.nextCursor;
      rewraps.push(...page.rewraps);
    } while (cursor !== null);
    call.tell({ rewraps }, () => {
      openTable(call.out, columns).add(rewraps.map(row));
      if (rewraps.length === 0) call.err.line('There is none.');
    });
    return exitCodes.completed;
  },
};

export const rewrapWait: Command = {
  name: 'rewrap wait',
  operands,
  about: 'follow a rewrap to its end, and exit as it ended',
  remote: true,
  options: { timeout },
  run: async (call) => follow(call, pathOf(call).rewrapId),
};

const steered = (
  name: string,
  about: string,
  operation: 'pauseRewrap' | 'resumeRewrap' | 'cancelRewrap',
): Command => ({
  name,
  operands,
  about,
  remote: true,
  run: async (call) => show(call, (await call.client()[operation]({ path: pathOf(call) })).data),
});

export const rewrapPause = steered('rewrap pause', 'let a rewrap stand still', 'pauseRewrap');
export const rewrapResume = steered('rewrap resume', 'let a paused rewrap go on', 'resumeRewrap');
export const rewrapCancel = steered(
  'rewrap cancel',
  'end a rewrap; what is under the new KEK stays there',
  'cancelRewrap',
);
