import { setTimeout as sleep } from 'node:timers/promises';
import { openKek } from '@rekey/kms';
import type { KmsName } from '../world/kms-servers.ts';
import type { World } from '../world/world.ts';
import { type Fault, seenIf } from './fault.ts';
import { type KmsServerKind, kmsServerKinds } from './kms-server-kinds.ts';

const lookEveryMs = 400;
/** Records of a rotation that ended longer ago are under its DEK, or under a later one. */
const settledMs = 5_000;

/**
 * Tenants that may notice what becomes of a KMS: some of their DEKs that are still in use are under its KEK, or the next is to
 * be, or a rewrap brings them there. Nobody else may, whatever their own KEK is in.
 */
async function concerned({ pool }: World, name: KmsName, kekId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select t.id from rekey.tenants t where exists (
       select from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
       where d.tenant_id = t.id and m.kek_id = $2 and d.key_number >= coalesce((
         select max(n.key_number) from rekey.rotations r join rekey.deks n on n.id = r.new_dek_id
         where r.tenant_id = t.id and r.status like 'completed%'
           and r.completed_at < clock_timestamp() - make_interval(secs => $3 / 1000.0)), 0))
     or exists (select from rekey.kek_choices c where c.tenant_id = t.id and (c.kek_name = $1 or c.active_name = $1))
     or exists (select from rekey.rewraps r
       where r.status in ('in_progress', 'paused') and r.kek_id = $2 and (r.tenant_id is null or r.tenant_id = t.id))`,
    [name, kekId, settledMs],
  );
  return rows.map(({ id }) => id);
}

const inTrouble =
  (name: KmsName, trouble: string): Fault =>
  async (tools) => {
    const { world, random, signal, kmsFaultMs } = tools;
    const server = world.kms.all.get(name);
    const begin = server?.troubles[trouble];
    if (server === undefined || begin === undefined) return seenIf(false, 'there is none here');
    const tenants = new Set<string>();
    const { kek } = server;
    const look = async (): Promise<void> => {
      // While Postgres is away nobody's calls are judged.
      for (const id of await concerned(world, name, kek.id).catch(() => [])) tenants.add(id);
    };
    await look();
    const before = server.calls();
    const end = await begin();
    const ms = random.integer(...kmsFaultMs);
    const until = performance.now() + ms;
    let met: boolean;
    try {
      met = before === null && (await refuses(server.uri));
      while (performance.now() < until && !signal.aborted) {
        await look();
        await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
      }
    } finally {
      await end();
    }
    await look();
    const calls = (server.calls() ?? 0) - (before ?? 0);
    server.inTrouble.calls += calls;
    met ||= calls > 0;
    return { ...seenIf(met, `for ${ms} ms, ${tenants.size} tenants concerned`), kek: kek.id, tenants };
  };

/** What keeps no count is tried. */
async function refuses(uri: string): Promise<boolean> {
  const kek = await openKek(uri);
  const isRefused = await kek.wrap(Buffer.alloc(32), Buffer.from('a fault is tried')).then(
    () => false,
    () => true,
  );
  await kek.close();
  return isRefused;
}

/** Every trouble of every KMS, by the names that the list of kinds has for them. */
export const kmsServerFaults = Object.fromEntries(
  kmsServerKinds.map((kind) => {
    const [name, trouble] = kind.split('-') as [KmsName, string]; // as the list has them
    return [kind, inTrouble(name, trouble)];
  }),
) as Record<KmsServerKind, Fault>; // of that very list
