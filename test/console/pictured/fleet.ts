import { before, hash, now, type Told, uuid, within } from './told.ts';

/** Names as they come: short, long, and longer than any column. */
const names = [
  'Example Ltd',
  'Städtische Wohnungsbaugesellschaft Nordhessen mbH & Co. KG',
  'Acme',
  'Энергетика и транспорт Поволжья',
  'Umbrella',
  'Société Générale des Transports Fluviaux et Maritimes',
  'Initech',
  'Contoso',
];
const levels = ['fresh', 'due', 'overdue', 'orphaned', 'fresh', null, 'fresh', null] as const;

export const tenantId = uuid('tenant 0');
export const tenantIdOf = (at: number): string => uuid(`tenant ${at}`);
export const keyIdOf = (tenant: number, number: number): string => `dek-${uuid(`key ${tenant} ${number}`)}`;
export const runningId = `rot-${uuid('rotation running')}`;

export const kekIds = {
  aws: 'aws-kms:arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012',
  vault: 'hcvault:vault.example.com/transit/keys/rekey',
  local: 'local:3f9a61c0d2',
};

export const tenants: Told<'listTenants'> = {
  tenants: names.map((name, at) => ({
    tenantId: tenantIdOf(at),
    name,
    createdAt: before(900 - at * 70),
    activeKey:
      at === 7 ? null : { keyId: keyIdOf(at, 3), keyNumber: 3, activatedAt: before(20 + at * 61, at, 7) },
    level: levels[at] ?? null,
    dueAt: levels[at] == null ? null : within(45 - at * 30),
    overdueAt: levels[at] == null ? null : within(52 - at * 30),
    tries: levels[at] == null ? null : at === 3 ? 3 : 0,
    wrapping: at === 2 || at === 5 ? { level: 'overdue', overdueAt: before(3 + at), tries: at } : null,
    rotationId: at === 0 ? runningId : null,
  })),
  seenAt: before(0, 0, 2),
  nextCursor: 'further',
};

type Key = Told<'getKey'>;

function keyOf(tenant: number, keyNumber: number, state: Key['state'], more: Partial<Key> = {}): Key {
  const days = 20 + (3 - keyNumber) * 365;
  return {
    keyId: keyIdOf(tenant, keyNumber),
    tenantId: tenantIdOf(tenant),
    keyNumber,
    state,
    draining: false,
    ageSeconds: days * 86_400,
    createdAt: before(days, 0, 1),
    activatedAt: before(days),
    deactivatedAt: state === 'active' ? null : before(days - 365),
    destroyedAt: state === 'destroyed' ? before(days - 500) : null,
    kekId: state === 'destroyed' ? null : keyNumber === 3 ? kekIds.aws : kekIds.vault,
    wrapVersion: state === 'destroyed' ? null : 2,
    wrappedAt: state === 'destroyed' ? null : before(days - 1),
    records: keyNumber === 3 ? 4_812_306 : keyNumber === 2 ? 187_694 : 0,
    share: keyNumber === 3 ? 0.9625 : keyNumber === 2 ? 0.0375 : 0,
    seals: keyNumber === 3 ? 6_291_456 : 1_234_567_890,
    sealsMax: 4_294_967_296,
    lastUsedAt: before(keyNumber === 3 ? 0 : 200, 0, 1),
    processes: keyNumber === 3 ? 6 : 0,
    destructionDueAt: null,
    ...more,
  };
}

export const ladder = [
  keyOf(0, 1, 'destroyed', { lastUsedAt: before(700) }),
  keyOf(0, 2, 'deactivated', { destructionDueAt: within(23), draining: true }),
  keyOf(0, 3, 'active'),
];
const others = [1, 2, 3, 4].flatMap((tenant) => [
  keyOf(tenant, 2, tenant === 2 ? 'compromised' : 'deactivated', { records: null, share: null }),
  keyOf(tenant, 3, 'active', { records: null, share: null }),
]);
const preActive = keyOf(5, 4, 'pre_active', {
  activatedAt: null,
  deactivatedAt: null,
  ageSeconds: 4,
  records: null,
  share: null,
  seals: 0,
  lastUsedAt: null,
});
export const keys = (of: string | null): Told<'listKeys'> =>
  of === null
    ? {
        keys: [...ladder.map((key) => ({ ...key, records: null, share: null })), ...others, preActive],
        nextCursor: 'further',
      }
    : { keys: ladder, nextCursor: null };

const old = keyOf(0, 2, 'deactivated');
export const key: Key = { ...old, records: 187_694 };

export const destruction: Told<'getDestruction'> = {
  keyId: old.keyId,
  tenantId,
  state: 'deactivated',
  safeToDestroy: false,
  conditions: [
    { name: 'out_of_use', state: 'met', evidence: { state: 'deactivated', deactivatedAt: before(20) } },
    { name: 'drained', state: 'met', evidence: { openLocks: 0 } },
    {
      name: 'no_records',
      state: 'unmet',
      evidence: {
        records: { credentials: 0, api_keys: 12, payment_instruments: 187_682 },
        countedAt: now,
        problems: [],
      },
    },
    {
      name: 'unused',
      state: 'unknown',
      evidence: {
        lastUsedAt: before(200),
        seconds: 604_800,
        watchedSince: before(400),
        silentProcesses: [
          { processId: uuid('process 3'), kind: 'vault', host: 'billing-1', role: 'billing', toldAt: null },
        ],
        unheardRoles: ['reporting', 'shop_archive'],
      },
    },
    {
      name: 'backups',
      state: 'unmet',
      evidence: { horizonSeconds: 7_776_000, emptySince: null, provedBy: null },
    },
    {
      name: 'grace',
      state: 'unmet',
      evidence: { requestedAt: before(7), dueAt: within(23), seconds: 2_592_000 },
    },
    { name: 'approvals', state: 'unmet', evidence: { needed: 2, given: 1, validDays: 7 } },
  ],
  request: {
    requestId: uuid('request'),
    realm: 'default',
    subject: 'ada',
    reason: 'retention',
    requestedAt: before(7),
    dueAt: within(23),
  },
  approvals: [{ realm: 'default', subject: 'grace', approvedAt: before(1) }],
  destroyedAt: null,
  materialDeleted: false,
  materialVacuumedAt: null,
};

type Process = Told<'listWorkers'>['processes'][number];

const processOf = (at: number, kind: Process['kind'], state: Process['state'], host: string): Process => ({
  processId: uuid(`process ${at}`),
  kind,
  state,
  databaseRole: kind === 'worker' ? 'rekey_worker' : 'shop',
  host,
  version: '0.1.0',
  beganAt: before(3),
  heartbeatAt: before(0, state === 'live' ? 0 : 5, state === 'live' ? 0 : 12),
  toldAt: before(0, 0, 1),
  endedAt: state === 'ended' ? before(0, 5) : null,
  keks: [{ kekId: kekIds.aws, provedAt: before(0, 1) }],
  keys: kind === 'worker' ? 118 : 4_021,
  latencies:
    kind === 'worker'
      ? { open: { count: 90_000, p50: 0.02, p99: 0.11 }, reencrypt: { count: 88_000, p50: 0.05, p99: 0.34 } }
      : { open: { count: 1_204_551, p50: 0.6, p99: 12.41 }, seal: { count: 51_222, p50: 1.2, p99: 18.7 } },
});

export const processes: Told<'listWorkers'> = {
  processes: [
    processOf(0, 'worker', 'live', 'rekey-worker-7d9c6b5f4-x2x8k'),
    processOf(1, 'worker', 'live', 'rekey-worker-7d9c6b5f4-qq7zt'),
    processOf(2, 'vault', 'live', 'shop-frontend-production-eu-central-1a-6c8b9d7f5d-hm2lp'),
    processOf(3, 'vault', 'silent', 'billing-1'),
    processOf(4, 'worker', 'ended', 'old-worker'),
  ],
  nextCursor: null,
};

const kekOf = (
  name: string | null,
  kekId: string,
  provider: string,
  active: number,
  deactivated: number,
): Told<'listKeks'>['keks'][number] => ({
  name,
  kekId,
  provider,
  registeredAt: name === null ? null : before(400),
  keys: { preActive: 0, active, deactivated, compromised: 0 },
  workers: active === 0 ? 0 : 2,
  vaults: active === 0 ? 0 : 4,
  processes: processes.processes.slice(0, active === 0 ? 0 : 2).map(({ processId, kind, host }) => ({
    processId,
    kind,
    host,
    provedAt: before(0, 1),
  })),
});

export const keks: Told<'listKeks'> = {
  keks: [
    kekOf('production-eu', kekIds.aws, 'aws-kms', 4_187, 9_021),
    kekOf(null, kekIds.vault, 'hcvault', 23, 4_210),
    kekOf('next', kekIds.local, 'local', 0, 0),
  ],
};

export const blastRadius: Told<'getBlastRadius'> = {
  keyId: old.keyId,
  tenantId,
  state: 'deactivated',
  records: 187_694,
  targets: [
    { target: 'credentials', itemType: 'credentials', records: 0 },
    { target: 'api_keys', itemType: 'apiKeys', records: 12 },
    { target: 'payment_instruments', itemType: 'secrets', records: 187_682 },
  ],
  seals: 1_234_567_890,
  activatedAt: old.activatedAt,
  deactivatedAt: old.deactivatedAt,
  lastUsedAt: old.lastUsedAt,
  processes: processes.processes.slice(1, 4).map(({ processId, kind, state, host, databaseRole }) => ({
    processId,
    kind,
    state,
    host,
    databaseRole,
    usedSince: before(30),
    lastUsedAt: before(2),
  })),
  backups: { state: 'unknown', detail: 'what backups hold is not known here: they are kept for 90 days.' },
};

export const checkpoint: Told<'listCheckpoints'>['checkpoints'][number] = {
  size: 48_211,
  madeAt: before(0, 0, 2),
  note: `rekey.example.com/log\n48211\n${Buffer.from(hash('root'), 'hex').toString('base64')}\n\n— rekey.example.com/log ${Buffer.from(hash('a') + hash('b') + hash('c').slice(0, 8), 'hex').toString('base64')}\n`,
};
