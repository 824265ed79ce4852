import { type Call, type Command, UsageError } from '../command.ts';
import { confirm, confirmShown, yes } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { describe } from '../rotation-text.ts';
import { durationMs, timeout, watch } from '../watch.ts';
import { check, madePlan, planLines } from './plan.ts';

export const rotate: Command = {
  name: 'rotate',
  about: "start the rotation of a tenant's key",
  remote: true,
  options: {
    tenant: { value: 'ID', about: 'whose key' },
    compromise: { about: 'its active key is compromised: before all others, in place of one that runs' },
    kek: { value: 'NAME', about: 'wrap the new key under the KEK of this name' },
    reason: { value: 'TEXT', about: 'why; kept with the event' },
    plan: { about: 'say first what it would take, and ask' },
    check: { ...check, about: `with --plan: ${check.about}` },
    yes: { about: `with --plan or --compromise: ${yes.about}` },
    watch: { about: 'follow it to its end' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
    'idempotency-key': { value: 'KEY', about: 'the same key within 24 hours starts no second rotation' },
  },
  async run(call) {
    const tenantId = call.option('tenant');
    if (tenantId === undefined) throw new UsageError('Whose key? --tenant is needed.');
    durationMs(call.option('timeout'));
    const idempotencyKey = call.option('idempotency-key');
    const reason = call.option('reason');
    const kek = call.option('kek');
    const compromise = call.on('compromise');
    if (compromise) await confirm(call, 'Declaring the active key compromised', tenantId.toLowerCase());
    const planId = call.on('plan') ? await agreedPlan(call, tenantId) : undefined;
    let started: Awaited<ReturnType<ReturnType<typeof call.client>['rotate']>>;
    try {
      started = await call.client().rotate(tenantId, {
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(reason === undefined ? {} : { reason }),
        ...(planId === undefined ? {} : { planId }),
        ...(kek === undefined ? {} : { kek }),
        ...(compromise ? { compromise } : {}),
      });
    } catch (error) {
      if (call.signal.aborted)
        call.err.line(`It may have been started all the same: rekey list --tenant ${tenantId}`);
      throw error;
    }
    const { rotationId, newKeyId, itemsToRotate } = started;
    if (!(call.on('watch') && call.on('json')))
      call.tell(started, () => {
        call.out.line(`${rotationId}  started: ${describe(itemsToRotate)} to re-encrypt under ${newKeyId}`);
      });
    if (!call.on('watch')) return exitCodes.completed;
    if (!/^rot-[0-9a-f-]{36}$/.test(rotationId)) throw new Error('What the API told is no id of a rotation.');
    return watch(call, rotationId);
  },
};

/** Of a plan that was made, shown and agreed to. */
async function agreedPlan(call: Call, tenantId: string): Promise<string> {
  const plan = await madePlan(call, tenantId);
  // On standard output stands what was started, for scripts.
  for (const line of planLines(plan)) call.err.line(line);
  await confirmShown(call, 'Rotate?');
  return plan.planId;
}
