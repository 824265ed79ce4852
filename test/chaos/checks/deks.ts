import { dekWrapAad, importDek } from '@rekey/envelope';
import type { World } from '../world/world.ts';
import { checkKmsCalls, type KmsWork } from './kms-calls.ts';
import { collector, type Violation } from './violation.ts';

/** What became of one KEK in a run. */
export interface KmsFigures {
  readonly name: string;
  /** Calls that its KMS has got, and those of them that came while it was in trouble; null: nobody counts them. */
  readonly calls: number | null;
  readonly inTrouble: number;
  readonly deks: number;
}

interface Stored {
  readonly id: string;
  readonly tenant_id: string;
  readonly kek_id: string;
  readonly wrapped: Buffer;
}

/**
 * Every DEK that was ever in use opens with the KEK that its row names, wherever rewraps have brought it: with the faults over,
 * and by nobody's memory. And no more calls of KMSs were made for it than that takes.
 */
export async function checkDeks(
  { pool, keks, kms, kek }: World,
  lives: number,
): Promise<{
  readonly figures: readonly KmsFigures[];
  readonly work: KmsWork;
  readonly violations: Violation[];
}> {
  const wrong = collector('DEKs');
  // Counted before it is they that are called.
  const servers = [...kms.all.values()].map((server) => ({ ...server, calls: server.calls() }));
  const { rows } = await pool.query<Stored>(
    `select d.id, d.tenant_id, m.kek_id, m.wrapped from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
     where d.state <> 'destroyed'`,
  );
  for (const { id, tenant_id: tenantId, kek_id: kekId, wrapped } of rows) {
    try {
      const bytes = await (await keks.of(kekId)).unwrap(wrapped, dekWrapAad(tenantId, id));
      importDek(bytes);
    } catch (error) {
      wrong.add(`${id} of ${tenantId} does not open under ${kekId}: ${String(error)}`);
    }
  }
  const figures = [{ name: 'local', kek, calls: null, inTrouble: { calls: 0 } }, ...servers].map(
    (server) => ({
      name: server.name,
      calls: server.calls,
      inTrouble: server.inTrouble.calls,
      deks: rows.filter((row) => row.kek_id === server.kek.id).length,
    }),
  );
  const counted = figures.filter(({ calls }) => calls !== null);
  const { rows: sums } = await pool.query<{ rewrapped: number }>(
    'select coalesce(sum(rewrapped), 0)::integer as rewrapped from rekey.rewraps',
  );
  const work: KmsWork = {
    servers: counted.length,
    calls: counted.reduce((sum, { calls, inTrouble }) => sum + Number(calls) - inTrouble, 0),
    deks: rows.length,
    rewrapped: sums[0]?.rewrapped ?? 0,
    lives,
  };
  return { figures, work, violations: [...wrong.all(), ...checkKmsCalls(work)] };
}
