import type { GoodInstallation } from '../good-installation.ts';

export interface Fault {
  readonly what: string;
  /** All that is to be found, and nothing besides. */
  readonly codes: readonly string[];
  /** Makes it; what takes it back, and what the one who looks has set otherwise. */
  plant(on: GoodInstallation): Promise<{
    readonly env?: Readonly<Record<string, string>>;
    readonly args?: readonly string[];
    readonly mend?: () => Promise<unknown>;
  }>;
}

/** Statements of the superuser, and those that take them back. */
export const sql = (
  what: string,
  codes: readonly string[],
  plant: string,
  mend: string,
  args: string[] = [],
): Fault => ({
  what,
  codes,
  async plant({ admin }) {
    await admin.query(plant);
    return { args, mend: () => admin.query(mend) };
  },
});

/** Of the database, which new sessions begin with. */
export const setting = (codes: readonly string[], name: string, value: string): Fault => ({
  what: `${name} = ${value}`,
  codes,
  async plant({ admin }) {
    await admin.query(`alter database rekey set ${name} = '${value}'`);
    return { mend: () => admin.query(`alter database rekey reset ${name}`) };
  },
});

export const withEnv = (
  what: string,
  codes: readonly string[],
  env: (on: GoodInstallation) => Promise<Record<string, string>> | Record<string, string>,
): Fault => ({ what, codes, plant: async (on) => ({ env: await env(on) }) });

export const ofRedis = (
  what: string,
  codes: readonly string[],
  name: string,
  value: string,
  was: string,
): Fault => ({
  what,
  codes,
  async plant({ redis }) {
    await redis.config('SET', name, value);
    return { mend: () => redis.config('SET', name, was) };
  },
});
