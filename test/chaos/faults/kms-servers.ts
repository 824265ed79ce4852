import { setTimeout as sleep } from 'node:timers/promises';
import { openKek } from '@rekey/kms';
import type { KmsName } from '../world/kms-servers.ts';
import { concerned } from './concerned.ts';
import { type Fault, seenIf } from './fault.ts';
import { type KmsServerKind, kmsServerKinds } from './kms-server-kinds.ts';

const lookEveryMs = 400;

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
      for (const id of await concerned(world.pool, name, kek.id).catch(() => [])) tenants.add(id);
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
