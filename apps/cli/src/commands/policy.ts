import { readFile } from 'node:fs/promises';
import { type Call, type Command, UsageError } from '../command.ts';
import { confirmShown, yes } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Fact, tellFacts } from '../facts.ts';
import { moment } from '../times.ts';

type Client = ReturnType<Call['client']>;
type TenantPolicy = Awaited<ReturnType<Client['getTenantPolicy']>>['data'];
type DefaultPolicy = Awaited<ReturnType<Client['getDefaultPolicy']>>['data'];
type Effective = TenantPolicy['effective'];

const whose = {
  tenant: { value: 'ID', about: 'of this tenant' },
  default: { about: 'or the default, which holds for all of them' },
} as const;

/** Null: the default. */
function tenantOf(call: Call): string | null {
  const tenantId = call.option('tenant');
  if ((tenantId === undefined) !== call.on('default'))
    throw new UsageError('Whose policy? --tenant or --default is needed.');
  return tenantId ?? null;
}

const read = async (call: Call, tenantId: string | null): Promise<TenantPolicy | DefaultPolicy> =>
  tenantId === null
    ? (await call.client().getDefaultPolicy()).data
    : (await call.client().getTenantPolicy({ path: { tenantId } })).data;

function show(call: Call, policy: TenantPolicy | DefaultPolicy): number {
  call.tell(policy, () => {
    const { version, effective } = policy;
    call.out.line(
      version === 0
        ? 'No policy of its own was put.'
        : `version ${version}, put ${moment(policy.putAt ?? '')}`,
    );
    const facts = Object.entries(lines).map(([name, says]): Fact => {
      const isOwn = name in policy.policy || !('tenantId' in policy);
      return [name, `${says(effective)}${isOwn ? '' : '  (the default’s)'}`];
    });
    if ('tenantId' in policy) {
      facts.push(['standing', stands(policy.standing)]);
      if (policy.wrapping !== null) facts.push(['wrapping', wraps(policy.wrapping)]);
    }
    tellFacts(call.out, facts, { indent: 2 });
  });
  return exitCodes.completed;
}

export function stands(standing: TenantPolicy['standing']): string {
  if (standing === null) return 'nothing says when its key is to be rotated, or it has none';
  const { level, dueAt, overdueAt, tries } = standing;
  const times = dueAt === null ? '' : `, due from ${moment(dueAt)}, overdue from ${moment(overdueAt ?? '')}`;
  return `${level}${times}${tries === 0 ? '' : `, ${tries} tries ended without a switch`}`;
}

export function wraps({ level, dueAt, overdueAt, tries }: NonNullable<TenantPolicy['wrapping']>): string {
  const failed = tries === 0 ? '' : `, ${tries} tries ended otherwise than well`;
  return `${level}, due from ${moment(dueAt)}, overdue from ${moment(overdueAt)}${failed}`;
}

export const lines: Readonly<Record<keyof Effective, (of: Effective) => string>> = {
  rotateEveryDays: ({ rotateEveryDays: days }) => (days === null ? 'never' : `every ${days} days`),
  rotateBeforeSeals: ({ rotateBeforeSeals: seals }) => (seals === null ? 'never' : `before ${seals} seals`),
  rewrapEveryDays: ({ rewrapEveryDays: days }) => (days === null ? 'never' : `every ${days} days`),
  retireAfterDays: ({ retireAfterDays: days }) =>
    days === null ? 'with the next rotation' : `swept again ${days} days after it is out of use`,
  destroyAfterDays: ({ destroyAfterDays: days }) =>
    days === null ? 'never' : `${days} days after it is out of use`,
  windows: ({ windows }) =>
    windows === null
      ? 'at any time'
      : windows
          .map(({ days, from, to, timeZone }) => `${days.join(' ')} ${from} to ${to} (${timeZone})`)
          .join('; '),
  kek: ({ kek }) => kek ?? 'what wraps those of the tenant',
};

/** What a field of a policy says; one that this program does not know, as it came. */
export function saysOf(effective: Effective, field: string): string {
  const line = Object.entries(lines).find(([name]) => name === field);
  return line === undefined ? JSON.stringify(effective[field as keyof Effective]) : line[1](effective);
}

export const policyGet: Command = {
  name: 'policy get',
  about: 'say what a policy asks for',
  remote: true,
  options: whose,
  run: async (call) => show(call, await read(call, tenantOf(call))),
};

/** A policy as `policy get --json` prints it, or its `policy` alone. */
async function fromFile(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const isJson = !(error instanceof SyntaxError);
    throw new UsageError(isJson ? `${path} cannot be read.` : `${path} is no JSON.`);
  }
  const isObject = (of: unknown): of is Record<string, unknown> =>
    typeof of === 'object' && of !== null && !Array.isArray(of);
  const policy = isObject(value) && isObject(value.policy) ? value.policy : value;
  if (!isObject(policy)) throw new UsageError(`${path} is no policy: a JSON object is needed.`);
  return policy;
}

export const policySet: Command = {
  name: 'policy set',
  operands: ['file'],
  about: 'put a policy, as JSON: what it leaves out is the default’s',
  remote: true,
  options: { ...whose, reason: { value: 'TEXT', about: 'why; kept with the event' }, yes },
  async run(call) {
    const tenantId = tenantOf(call);
    const [path = ''] = call.operands;
    const reason = call.option('reason');
    const body = { ...(await fromFile(path)), ...(reason === undefined ? {} : { reason }) };
    if (tenantId === null)
      await confirmShown(call, 'The default holds for every tenant that does not say otherwise.');
    // What somebody else puts meanwhile is refused, and not undone.
    const { version } = await read(call, tenantId);
    const headers = { 'if-match': `"${version}"` };
    const put =
      tenantId === null
        ? await call.client().putDefaultPolicy({ headers, body })
        : await call.client().putTenantPolicy({ path: { tenantId }, headers, body });
    return show(call, put.data);
  },
};
