import { loadTargets, type Target } from '@rekey/data';
import type { Queryable } from '@rekey/db';
import { formats } from '@rekey/envelope';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

/** The registered targets, read when first needed and for a name that is not among them. */
export interface KnownTargets {
  /** Throws `UNKNOWN_TARGET`, also for one that is sealed in a format of a later version. */
  named(name: string): Promise<Target>;
  /** After a table was not there: it may have been renamed and registered anew. */
  forget(): void;
  /**
   * Runs the work, and once more with the targets read anew when a table was not there. Not within a caller's transaction,
   * which has failed by that.
   */
  lookingAgain<T>(client: Queryable | undefined, work: () => Promise<T>): Promise<T>;
}

export function createKnownTargets(on: Queryable): KnownTargets {
  let targets: Promise<Map<string, Target>> | undefined;

  const load = async (): Promise<Map<string, Target>> =>
    new Map((await asVault(() => loadTargets(on))).map((target) => [target.name, target]));

  const forget = (): void => {
    targets = undefined;
  };

  return {
    async named(name) {
      const loaded = targets;
      const known = loaded === undefined ? undefined : (await loaded.catch(() => undefined))?.get(name);
      if (known !== undefined) return readable(known);
      // The first time, and for a table that was registered since; once, however many ask.
      if (targets === loaded || targets === undefined) targets = load();
      const target = (await targets).get(name);
      if (target === undefined) {
        throw new VaultError('UNKNOWN_TARGET', `No target is registered as ${String(name)}`);
      }
      return readable(target);
    },
    forget,
    async lookingAgain(client, work) {
      try {
        return await work();
      } catch (error) {
        const isGone = error instanceof VaultError && error.code === 'SCHEMA_MISSING';
        if (!isGone || client !== undefined) throw error;
        forget();
        return work();
      }
    },
  };
}

function readable(target: Target): Target {
  if (formats.some((format) => format.name === target.format)) return target;
  throw new VaultError('UNKNOWN_TARGET', `Target ${target.name} is sealed in a format of a later version`);
}
