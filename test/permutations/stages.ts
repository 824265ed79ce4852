import { randomBytes, randomUUID } from 'node:crypto';
import { loadTargets } from '@rekey/data';
import type { Pool } from 'pg';
import { sealedLike } from '../harness/sealed.ts';
import type { Stage } from './parties.ts';

/** A tenant of two records under key 1, with a rotation to key 2 that is ready to switch. */
export async function setStage(pool: Pool, mutation?: Stage['mutation']): Promise<Stage> {
  const [tenantId, rotationId, previousDekId, newDekId] = [
    randomUUID(),
    randomUUID(),
    randomUUID(),
    randomUUID(),
  ];
  const target = (await loadTargets(pool)).find(({ name }) => name === 'secrets');
  if (target === undefined) throw new Error('no target secrets');
  await pool.query(`insert into rekey.tenants (id, name) values ($1, 'of a schedule')`, [tenantId]);
  const makeDek = async (id: string): Promise<void> => {
    await pool.query(
      `insert into rekey.deks (id, tenant_id, key_number, state)
       select $1, $2, coalesce(max(key_number), 0) + 1, 'pre_active' from rekey.deks where tenant_id = $2`,
      [id, tenantId],
    );
    await pool.query(
      `insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, 'local:x', decode(repeat('00', 40), 'hex'))`,
      [id],
    );
  };
  await makeDek(previousDekId);
  await pool.query(`update rekey.deks set state = 'active', activated_at = now() where id = $1`, [
    previousDekId,
  ]);
  const acknowledged = new Map<string, string>();
  const records = [randomUUID(), randomUUID(), randomUUID()];
  for (const id of records.slice(0, 2)) {
    const value = randomBytes(8).toString('hex');
    await pool.query(
      `insert into secrets (id, tenant_id, name, key_number, ciphertext) values ($1, $2, 'n', 1, $3)`,
      [id, tenantId, Buffer.concat([sealedLike(1, 17), Buffer.from(value)])],
    );
    acknowledged.set(id, value);
  }
  await pool.query(
    `select rekey.start_rotation($1, $2, $3, '{"id":"x","name":null,"email":null}', '{"credentials":0,"apiKeys":0,"secrets":0}')`,
    [rotationId, tenantId, newDekId],
  );
  await pool.query(
    `insert into rekey.dek_material (dek_id, kek_uri, wrapped) values ($1, 'local:x', decode(repeat('00', 40), 'hex'))`,
    [newDekId],
  );
  await pool.query(`update rekey.rotations set phase = 'activating' where id = $1`, [rotationId]);
  return {
    tenantId,
    rotationId,
    previousDekId,
    newDekId,
    target,
    records,
    acknowledged,
    proved: false,
    violations: [],
    mutation,
  };
}

/** What is wrong with what the schedule left behind. */
export async function judge(stage: Stage, pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string; key_number: number; ciphertext: Buffer }>(
    'select id, key_number, ciphertext from secrets where tenant_id = $1',
    [stage.tenantId],
  );
  const found = [...stage.violations];
  for (const [id, value] of stage.acknowledged) {
    const record = rows.find((row) => row.id === id);
    const is = record?.ciphertext.subarray(17).toString();
    if (is !== value) found.push(`a record holds ${is} where ${value} was acknowledged`);
  }
  if (stage.proved && rows.some(({ key_number }) => key_number === 1))
    found.push('proved, and a record is on the older key');
  return found;
}
