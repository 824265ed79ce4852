import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type ClaimedRewrap,
  claimRewrap,
  findRewrap,
  type RewrapView,
  registerKek,
  reportUsage,
  type StartRewrap,
  startRewrap,
} from '@rekey/control';
import { createKeks, type Keks } from '@rekey/kms';
import { rewrapDeks } from '@rekey/rotation';
import { type TestKek, testKek } from '../harness/kek.ts';
import { type Core, rotationCore } from '../harness/rotation.ts';

export const ada = { id: 'ada', name: null, email: null };
export const idle = new AbortController().signal;

/** A database, two registered KEKs, one process that has proved both, and rewraps by a call. */
export interface Rewrapping {
  readonly core: Core;
  readonly old: TestKek;
  readonly fresh: TestKek;
  readonly keks: Keks;
  readonly owner: string;
  aProcess(kind: 'worker' | 'vault', kekIds: readonly string[]): Promise<string>;
  tell(processId: string, kind: 'worker' | 'vault', kekIds: readonly string[], ends: boolean): Promise<void>;
  order(given?: Partial<StartRewrap>): StartRewrap;
  begin(given?: Partial<StartRewrap>): Promise<RewrapView>;
  claim(by?: string, held?: readonly string[]): Promise<ClaimedRewrap>;
  environment(replaced?: Partial<Parameters<typeof rewrapDeks>[0]>): Parameters<typeof rewrapDeks>[0];
  /** Takes what was begun to its end. */
  finish(view: RewrapView): Promise<RewrapView>;
  /** Of a tenant's DEKs, by their numbers. */
  keksOf(tenantId: string): Promise<string[]>;
  /** All that a rewrap must leave as it is, to the byte. */
  everythingElse(): Promise<unknown[]>;
}

export async function rewrapping(): Promise<Rewrapping> {
  const core = await rotationCore();
  const { pool, store, kek: old } = core;
  const fresh = await testKek();
  const keks = createKeks(old, fresh);
  await registerKek(store, 'old', old.id);
  await registerKek(store, 'new', fresh.id);
  const owner = randomUUID();

  /** A live process that has proved these KEKs. */
  async function aProcess(kind: 'worker' | 'vault', kekIds: readonly string[]): Promise<string> {
    const processId = randomUUID();
    await tell(processId, kind, kekIds, false);
    return processId;
  }
  const tell = (processId: string, kind: 'worker' | 'vault', kekIds: readonly string[], ends: boolean) =>
    reportUsage(store, {
      processId,
      kind,
      host: 'a-host',
      version: '1',
      ends,
      toldAll: true,
      opened: [],
      proved: kekIds.map((kekId) => ({ kekId, ms: 0 })),
      latencies: {},
    });
  await aProcess('worker', [old.id, fresh.id]);

  const order = (given: Partial<StartRewrap> = {}): StartRewrap => ({
    rewrapId: randomUUID(),
    tenantId: null,
    kekName: 'new',
    callsPerSecondMax: 10_000,
    force: false,
    reason: null,
    actor: ada,
    idempotency: null,
    ...given,
  });

  async function begin(given: Partial<StartRewrap> = {}): Promise<RewrapView> {
    const started = await startRewrap(store, order(given));
    assert.equal(started.kind, 'started');
    return (started as { view: RewrapView }).view;
  }

  async function claim(by = owner, held = [old.id, fresh.id]): Promise<ClaimedRewrap> {
    const claimed = await claimRewrap(store, by, held, 8_000);
    assert.ok(claimed !== null);
    return claimed;
  }

  const environment = (replaced: Partial<Parameters<typeof rewrapDeks>[0]> = {}) => ({
    store,
    keks,
    onTrouble: () => {},
    pauseMs: { away: { first: 10, max: 20 }, refused: 20 },
    ...replaced,
  });

  async function finish(view: RewrapView): Promise<RewrapView> {
    assert.equal(await rewrapDeks(environment(), await claim(), idle), 'done');
    return (await findRewrap(store, view.id)) as RewrapView;
  }

  const keksOf = async (tenantId: string): Promise<string[]> =>
    (
      await pool.query<{ kek_id: string }>(
        `select kek_id from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
         where d.tenant_id = $1 order by key_number`,
        [tenantId],
      )
    ).rows.map(({ kek_id }) => kek_id);

  async function everythingElse(): Promise<unknown[]> {
    const found = [];
    for (const [table, columns] of [
      ['rekey.deks', '*'],
      ['rekey.dek_identities', '*'],
      ['rekey.dek_locks', '*'],
      ['rekey.rotations', '*'],
      ['public.secrets', '*'],
      ['rekey.tenants', '*'],
      ['rekey.dek_material', 'dek_id'],
    ])
      found.push(
        (
          await pool.query(
            `select count(*) as n, md5(string_agg(t::text, '' order by t::text)) as print from (select ${columns} from ${table}) t`,
          )
        ).rows,
      );
    return found;
  }

  return {
    core,
    old,
    fresh,
    keks,
    owner,
    aProcess,
    tell: (...given) => tell(...given),
    order,
    begin,
    claim,
    environment,
    finish,
    keksOf,
    everythingElse,
  };
}
