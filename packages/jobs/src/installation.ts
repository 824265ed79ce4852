import { parseRedisUrl } from './redis.ts';

/** Whose tickets and snapshots these are, as Postgres tells it. */
export interface Installation {
  readonly id: string;
  /** What its snapshots are sealed with. */
  readonly snapshotKey: Buffer;
}

/** What is known of it so far, since Postgres may be away when a process starts. */
export interface Identity {
  /** Null until Postgres has told. */
  known(): Installation | null;
  /** Asks Postgres if need be. Throws what `load` throws; the next call asks again. */
  get(): Promise<Installation>;
}

export function createIdentity(load: () => Promise<Installation>): Identity {
  let known: Installation | null = null;
  let loading: Promise<Installation> | undefined;
  return {
    known: () => known,
    get() {
      if (known !== null) return Promise.resolve(known);
      loading ??= load()
        .then((loaded) => {
          known = loaded;
          return loaded;
        })
        .finally(() => {
          loading = undefined;
        });
      return loading;
    },
  };
}

/** What the keys of one installation begin with: two that share a Redis and a prefix stay apart. */
export function keysOf(prefix: string, { id }: Pick<Installation, 'id'>): string {
  return `${prefix}:${id}`;
}

/** Why keys that begin with `prefix` cannot live there, in a line. */
export function clusterProblems(redisUrl: string, prefix: string): string[] {
  if (parseRedisUrl(redisUrl).kind !== 'cluster' || hasHashTag(prefix)) return [];
  return ['QUEUE_PREFIX has no part in braces, such as {rekey}: a Cluster would not keep its keys together'];
}

/** Whether a Cluster keeps keys that begin so in one slot: by what stands in the first pair of braces. */
function hasHashTag(prefix: string): boolean {
  return /^[^{]*\{[^}]+\}/.test(prefix);
}
