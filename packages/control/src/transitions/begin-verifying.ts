import { type Queryable, row } from '@rekey/db';

/** From sweeping to verifying if everything is planned and no range is left to prove; whether the rotation is verifying now. */
export async function beginVerifying(on: Queryable, rotationId: string): Promise<boolean> {
  const { verifying } = await row<{ verifying: boolean }>(
    on,
    'select rekey.begin_verifying($1) as verifying',
    [rotationId],
  );
  return verifying;
}
