import { type Call, UsageError } from './command.ts';

export const yes = { about: 'do not ask' } as const;

/** Before what cannot be undone: the tenant's id is asked for, which nobody types by mistake. */
export async function confirm(call: Call, what: string, tenantId: string): Promise<void> {
  if (call.on('yes')) return;
  if (call.ask === null) throw new UsageError(`${what} cannot be undone. Without a terminal it needs --yes.`);
  call.err.line(`${what} cannot be undone.`);
  const answer = await call.ask(
    `Type the id of its tenant, ${/^[0-9a-f-]{36}$/.test(tenantId) ? tenantId : '?'}: `,
  );
  if (answer.trim().toLowerCase() !== tenantId) throw new UsageError('That is not its id: nothing was done.');
}

/** Before what touches everybody: how many are touched is asked for. */
export async function confirmCount(call: Call, what: string, count: number): Promise<void> {
  if (call.ask === null) throw new UsageError(`${what} Without a terminal it needs --yes.`);
  call.err.line(what);
  const answer = await call.ask(`Type how many, ${count}: `);
  if (answer.trim() !== String(count)) throw new UsageError('That is not how many: nothing was done.');
}

/** Before what was just shown. */
export async function confirmShown(call: Call, question: string): Promise<void> {
  if (call.on('yes')) return;
  if (call.ask === null) throw new UsageError('Without a terminal it needs --yes: nothing was started.');
  const answer = await call.ask(`${question} Type yes: `);
  if (answer.trim().toLowerCase() !== 'yes') throw new UsageError('Nothing was started.');
}
