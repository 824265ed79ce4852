import { readFile } from 'node:fs/promises';
import { type Call, UsageError } from '../command.ts';
import { confirmCount } from '../confirm.ts';

type Body = Parameters<ReturnType<Call['client']>['simulateCampaign']>[0]['body'];

const orders = ['smallest_first', 'largest_first', 'oldest_key_first', 'as_given'] as const;
/** From so many tenants on somebody is asked. */
const askedFrom = 11;

export function number(call: Call, name: string, least: number): number | undefined {
  const text = call.option(name);
  if (text === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,6})$/.test(text) || Number(text) < least)
    throw new UsageError(`--${name} is a whole number from ${least} on.`);
  return Number(text);
}

/** Ids of tenants, one in a line. */
async function idsFrom(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(`${path} cannot be read.`);
  });
  const ids = text.split(/\s+/).filter((id) => id !== '');
  if (ids.length === 0) throw new UsageError(`${path} has no ids of tenants.`);
  return ids;
}

async function whomOf(call: Call): Promise<Pick<Body, 'all' | 'onKek' | 'olderThanDays' | 'tenantIds'>> {
  const [onKek, olderThanDays, path] = [
    call.option('on-kek'),
    number(call, 'older-than', 0),
    call.option('tenants'),
  ];
  const said = [call.on('all'), onKek !== undefined, olderThanDays !== undefined, path !== undefined];
  if (said.filter(Boolean).length !== 1)
    throw new UsageError('For whom? One of --all, --on-kek, --older-than and --tenants is needed.');
  if (path !== undefined) return { tenantIds: await idsFrom(path) };
  if (onKek !== undefined) return { onKek };
  return olderThanDays === undefined ? { all: true } : { olderThanDays };
}

/** Which tenants, and how. */
export const asked = {
  all: { about: 'for all tenants' },
  'on-kek': { value: 'NAME', about: 'or those with a key under this KEK' },
  'older-than': { value: 'DAYS', about: 'or those whose key is in use for longer' },
  tenants: { value: 'FILE', about: 'or those whose ids stand in it, one in a line' },
  'rewrap-under': { value: 'NAME', about: 'bring their keys under this KEK, instead of rotating them' },
  order: { value: 'ORDER', about: 'in which they get their turns', oneOf: orders },
  canaries: { value: 'N', about: 'so many first, and the others once these ended well' },
  'at-once': { value: 'N', about: 'so many at once, 10 unless said' },
  'per-hour': { value: 'N', about: 'so many within an hour' },
} as const;

export async function bodyOf(call: Call): Promise<Body> {
  const whom = await whomOf(call);
  const kek = call.option('rewrap-under');
  const order = orders.find((one) => one === call.option('order'));
  const bounds = Object.entries({
    canaries: number(call, 'canaries', 0),
    atOnceMax: number(call, 'at-once', 1),
    perHourMax: number(call, 'per-hour', 1),
  }).filter(([, value]) => value !== undefined);
  return {
    ...whom,
    ...(kek === undefined ? {} : { action: 'rewrap' as const, kek }),
    ...(order === undefined ? {} : { order }),
    ...Object.fromEntries(bounds),
  };
}

/** How many a rule finds is asked first, and so many are to be typed. */
export async function agreed(call: Call, body: Body): Promise<void> {
  if (call.on('yes')) return;
  const count = body.tenantIds?.length ?? (await call.client().simulateCampaign({ body })).data.tenantsTotal;
  if (body.tenantIds === undefined || count >= askedFrom)
    await confirmCount(call, `This is for ${count} ${count === 1 ? 'tenant' : 'tenants'}.`, count);
}
