import { isTransient } from '@rekey/kms';

/** Which KEKs' KMSs are away, by what was last heard of them. */
export interface KekNews {
  isAway(kekId: string): boolean;
  /** Hears what comes of a call of the KEK. */
  of<Value>(kekId: string, call: () => Promise<Value>): Promise<Value>;
  /** Its KMS is there again. Only said when what it refuses has been asked for: see `createRenewal`. */
  isBack(kekId: string): void;
  /** Forgets those that are not among these. */
  retain(kekIds: ReadonlySet<string>): void;
}

export function createKekNews(): KekNews {
  const away = new Set<string>();
  return {
    isAway: (kekId) => away.has(kekId),
    async of(kekId, call) {
      try {
        return await call();
      } catch (error) {
        if (isTransient(error)) away.add(kekId);
        throw error;
      }
    },
    isBack: (kekId) => void away.delete(kekId),
    retain(kekIds) {
      for (const kekId of away) if (!kekIds.has(kekId)) away.delete(kekId);
    },
  };
}
