import { randomUUID } from 'node:crypto';
import { type Call, type Command, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Fact, tellFacts } from '../facts.ts';
import { count, words } from '../rotation-text.ts';
import { moment } from '../times.ts';
import { durationMs, timeout, watch } from '../watch.ts';
import { lines as policyLines, saysOf, stands, wraps } from './policy.ts';

export const tenantCreate: Command = {
  name: 'tenant create',
  about: 'make a tenant, whose first key a worker makes',
  remote: true,
  options: {
    name: { value: 'NAME', about: 'what it is called' },
    tenant: { value: 'ID', about: 'its id; made unless said' },
    watch: { about: 'until it has its key' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
  },
  async run(call) {
    const name = call.option('name');
    if (name === undefined) throw new UsageError('What is it called? --name is needed.');
    durationMs(call.option('timeout'));
    const tenantId = (call.option('tenant') ?? randomUUID()).toLowerCase();
    // It may be sent twice: by its id the tenant is made once.
    const headers = { 'idempotency-key': `tenant-${tenantId}` };
    const { data } = await call.client().createTenant({ headers, body: { tenantId, name } });
    const { rotationId } = data;
    if (!(call.on('watch') && call.on('json'))) call.tell(data, () => call.out.line(data.tenantId));
    if (rotationId === null) return exitCodes.completed;
    if (call.on('watch')) return watch(call, rotationId);
    if (!call.on('json')) call.err.line(`Its first key is being made: rekey wait ${rotationId}`);
    return exitCodes.completed;
  },
};

export const tenantShow: Command = {
  name: 'tenant show',
  operands: ['tenant'],
  about: 'say how a tenant stands: its key, its policy, what is due',
  remote: true,
  async run(call) {
    const [tenantId = ''] = call.operands;
    const { data } = await call.client().getTenant({ path: { tenantId } });
    call.tell(data, () => {
      tellFacts(call.out, linesOf(data));
      tellFacts(call.out, policyFacts(data), { indent: 2 });
    });
    return exitCodes.completed;
  },
};

type Shown = Awaited<ReturnType<ReturnType<Call['client']>['getTenant']>>['data'];

function linesOf({ activeKey, coverage, policy, ...tenant }: Shown): Fact[] {
  const { records, underActiveKey, share } = coverage;
  const kek = activeKey?.kek ?? null;
  const days = activeKey === null ? 0 : Math.floor(activeKey.ageSeconds / 86_400);
  return [
    ['tenant', `${tenant.tenantId}  ${tenant.name}`],
    [
      'key',
      activeKey === null ? 'none yet' : `${activeKey.keyId}, no. ${activeKey.keyNumber}, ${days} days old`,
    ],
    ['kek', kek === null ? '-' : `${kek.name ?? kek.kekId}, wrapped ${moment(kek.wrappedAt)}`],
    [
      'records',
      `${count(underActiveKey)} of ${count(records)} under it, ${Math.floor(share * 1_000) / 10} %`,
    ],
    ['standing', stands(tenant.standing)],
    ...(tenant.wrapping === null ? [] : [['wrapping', wraps(tenant.wrapping)] satisfies Fact]),
    [
      'rotation',
      tenant.rotation === null
        ? 'none runs'
        : `${tenant.rotation.rotationId}, ${words(tenant.rotation.status)}, ${tenant.rotation.phase}`,
    ],
    ['policy', whichPolicy(policy)],
  ];
}

/** In the order in which `policy get` tells them; whatever else there is behind. */
function policyFacts({ policy }: Shown): Fact[] {
  const known = Object.keys(policyLines);
  const place = (field: string): number => (known.includes(field) ? known.indexOf(field) : known.length);
  return Object.entries(policy.source)
    .toSorted(([one], [other]) => place(one) - place(other))
    .map(([field, source]) => [
      field,
      `${saysOf(policy.effective, field)}${source === 'tenant' ? '' : `  (${bys[source]})`}`,
    ]);
}

const bys = { default: 'the default’s', bounds: 'by the bounds of the default' } as const;

function whichPolicy({ version, defaultVersion }: { version: number; defaultVersion: number }): string {
  const rest = defaultVersion === 0 ? 'no default' : `version ${defaultVersion} of the default`;
  if (version > 0) return `version ${version} of its own, over ${rest}`;
  return defaultVersion === 0 ? 'nobody has put one' : rest;
}
