import { type Queryable, row } from '@rekey/db';

/** Which installation this database is, and what its snapshots in Redis are sealed with. */
export interface Installation {
  readonly id: string;
  readonly snapshotKey: Buffer;
}

export async function loadInstallation(on: Queryable): Promise<Installation> {
  const { id, key } = await row<{ id: string; key: Buffer }>(
    on,
    'select rekey.installation_id() as id, rekey.snapshot_key() as key',
  );
  return { id, snapshotKey: key };
}
