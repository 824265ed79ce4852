import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@rekey/client';
import { createVault } from '@rekey/vault';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { skipWithoutNss, startNss } from '../harness/nss.ts';
import { firstValue } from '../harness/seed.ts';
import { skipWithoutSoftHsm, startSoftHsm } from '../harness/softhsm.ts';
import { until } from '../harness/wait.ts';

// What a wrapped DEK begins with under each KEK: docs/ciphertext-format.md
const forms = { aes: 3, rsa: 4 } as const;

for (const [name, skip, start, hash] of [
  ['SoftHSM, by OAEP with SHA-1', skipWithoutSoftHsm, startSoftHsm, 2],
  ['NSS, by OAEP with SHA-256', skipWithoutNss, startNss, 1],
] as const)
  test(`a rotation to an RSA key of ${name}, rewraps to an AES key and back, and out of the token`, {
    skip,
  }, async (t) => {
    const token = await start(t);
    await token.newKey();
    await token.newRsaKey();
    const database = await createTestDatabase(t);
    const pool = database.pool();
    const rekey = await installation({ databaseUrl: database.url, workers: 0 }, t);
    const tenant = await rekey.seedTenant(34);
    // It has none of the token's keys, and would be named as lacking them.
    await rekey.vault.close();
    await rekey.addWorker({
      ...token.env,
      KEKS: `aes=${token.uri()},rsa=${token.rsaUri()},file=local:${rekey.kekFile}`,
    });
    const client = createClient({ url: rekey.apis[0]?.url ?? '', token: rekey.token });
    const stored = async (): Promise<ReadonlyArray<{ readonly id: string; readonly wrapped: Buffer }>> =>
      (
        await pool.query(
          `select d.id, m.wrapped, c.check_value from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
           join rekey.dek_checks c on c.dek_id = d.id where d.tenant_id = $1 order by d.key_number`,
          [tenant.tenantId],
        )
      ).rows;
    const rewrap = async (kek: string): Promise<void> => {
      const path = { body: { all: true, kek, callsPerSecondMax: 100 } } as const;
      // Refused until the worker has proved that KEK, within seconds of its start.
      const { rewrapId } = await until(
        async () => {
          const { status, body } = await client.ask('startRewrap', path);
          return status === 200 ? (body as { data: { rewrapId: string } }).data : undefined;
        },
        { what: `a rewrap to ${kek} is taken`, timeoutMs: 60_000, everyMs: 500 },
      );
      const ended = await until(
        async () => {
          const { data } = await client.getRewrap({ path: { rewrapId } });
          return data.completedAt === null ? undefined : data;
        },
        { what: `the rewrap to ${kek} ends`, timeoutMs: 120_000, everyMs: 200 },
      );
      assert.deepEqual([ended.status, ended.keysSetAside], ['completed', 0], kek);
    };

    const answer = await client.ask('rotateDek', {
      headers: { 'x-tenantid': tenant.tenantId },
      body: { tenantId: tenant.tenantId, kek: 'rsa' },
    });
    const { rotationId } = (answer.body as { data: { rotationId: string } }).data;
    assert.equal((await rekey.ended(rotationId, { timeoutMs: 120_000 })).status, 'completed');
    const [, made] = await stored();
    assert.deepEqual([made?.wrapped.length, made?.wrapped[0], made?.wrapped[5]], [332, forms.rsa, hash]);

    for (const kek of ['aes', 'rsa', 'aes', 'rsa'] as const) {
      await rewrap(kek);
      for (const { wrapped } of await stored()) {
        assert.equal(wrapped[0], forms[kek]);
        if (kek === 'rsa') assert.equal(wrapped[5], hash);
      }
    }
    await rewrap('file');
    const vault = createVault({ store: rekey.store, kek: rekey.kek, prefetch: false });
    t.after(() => vault.close());
    for (const { target, id } of tenant.records)
      assert.ok((await vault.get({ target, tenantId: tenant.tenantId, id }))?.equals(firstValue(id)));
  });
