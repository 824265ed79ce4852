import type { Client, Plan } from '@rekey/client';
import { type Call, type Command, CommandError, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { count, describe } from '../rotation-text.ts';
import { durationMs, timeout } from '../watch.ts';

type Estimate = NonNullable<Plan['estimate']>;
type Checks = NonNullable<Parameters<Client['planRotation']>[0]['body']['check']>;

const checks = ['none', 'sample', 'all'] as const satisfies readonly Checks[];

export const check = {
  value: 'WHICH',
  about: 'which records to open, to find those that will not: none unless said',
  oneOf: checks,
} as const;

/** Makes a plan and waits for it. Ctrl-C ends the waiting only. */
export async function madePlan(call: Call, tenantId: string): Promise<Plan> {
  const wanted = call.option('check');
  const begun = await call.client().planRotation({
    headers: { 'idempotency-key': crypto.randomUUID() },
    body: { tenantId, check: checks.find((one) => one === wanted) ?? 'none' },
  });
  const { planId } = begun.data;
  if (!/^plan-[0-9a-f-]{36}$/.test(planId)) throw new Error('What the API told is no id of a plan.');
  return waitedFor(call, planId);
}

async function waitedFor(call: Call, planId: string): Promise<Plan> {
  let plan: Plan;
  try {
    plan = await call.client(true).waitForPlan(planId, {
      timeoutMs: durationMs(call.option('timeout')),
      signal: call.signal,
    });
  } catch (error) {
    if (call.signal.aborted) call.err.line(`It goes on: rekey plan --id ${planId}`);
    throw error;
  }
  if (plan.status === 'failed')
    throw new CommandError('PLAN_FAILED', `${planId} could not be made within a day.`, exitCodes.failed);
  return plan;
}

/** What a plan came to, for people. */
export function planLines(plan: Plan): string[] {
  const { estimate, queue, bytes, openedRecords: opened } = plan;
  return [
    `${plan.planId}  ${describe(plan.itemsToRotate)} to re-encrypt, in ${count(plan.rangesToSweep)} ranges`,
    ...(bytes === null ? [] : [`${'size'.padEnd(12)}${count(bytes)} bytes`]),
    ...(estimate === null ? [] : estimateLines(estimate)),
    ...(queue === null
      ? []
      : [
          `${'before it'.padEnd(12)}${count(queue.running)} running, ${count(queue.waiting)} waiting, ${count(queue.itemsAhead)} records`,
        ]),
    ...(opened === null ? ['not opened  no record was looked at'] : openedLines(opened)),
  ];
}

function estimateLines({ seconds, walBytes, kmsCalls }: Estimate): string[] {
  const range = ({ low, high }: { low: number; high: number }, unit: string): string =>
    `${count(low)} to ${count(high)} ${unit}`;
  return [
    `${'time'.padEnd(12)}${range(seconds, 'seconds')}, ${seconds.by}`,
    `${'WAL'.padEnd(12)}${range(walBytes, 'bytes')}, ${walBytes.by}`,
    `${'KMS'.padEnd(12)}${range(kmsCalls, 'calls')}`,
  ];
}

function openedLines(opened: NonNullable<Plan['openedRecords']>): string[] {
  const { records, notOpening, recordsNotOpeningMax: most, confidence } = opened;
  const found = Object.entries(notOpening);
  const all = found.reduce((sum, [, value]) => sum + (value ?? 0), 0);
  const sure =
    confidence === 1
      ? ''
      : `; of all records at most ${count(most)}, with ${Math.round(confidence * 100)} % confidence`;
  return [
    `${'opened'.padEnd(12)}${count(records)} records, of which ${count(all)} will not open${sure}`,
    ...found.map(([reason, value]) => `${''.padEnd(12)}${count(value ?? 0)} ${reason}`),
  ];
}

export const plan: Command = {
  name: 'plan',
  about: "say what a rotation of a tenant's key would take, without starting it",
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'whose key' },
    id: { value: 'PLAN', about: 'or a plan that was begun before' },
    check,
    timeout,
  },
  async run(call) {
    const tenantId = call.option('tenant');
    const planId = call.option('id');
    if ((tenantId === undefined) === (planId === undefined))
      throw new UsageError('Of what? Either --tenant or --id is needed.');
    durationMs(call.option('timeout'));
    const made =
      tenantId === undefined ? await waitedFor(call, planId ?? '') : await madePlan(call, tenantId);
    call.tell(made, () => {
      for (const line of planLines(made)) call.out.line(line);
    });
    return exitCodes.completed;
  },
};
