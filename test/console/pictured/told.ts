import { createHash } from 'node:crypto';
import type { Client } from '@rekey/client';

/** What an operation answers, as the contract has it. */
export type Told<Id extends keyof Client> = Client[Id] extends (
  ...args: never[]
) => Promise<{ readonly data: infer Data }>
  ? Data
  : never;

/** When pictures are taken: `Date.now()` of every page. */
export const now = '2025-03-17T10:30:00.000Z';

const dayMs = 86_400_000;

/** So long before that moment. */
export const before = (days: number, hours = 0, minutes = 0): string =>
  new Date(Date.parse(now) - days * dayMs - hours * 3_600_000 - minutes * 60_000).toISOString();

/** So long after it. */
export const within = (days: number, hours = 0, minutes = 0): string => before(-days, -hours, -minutes);

/** Ids look as if by chance and are always the same. */
export function uuid(of: string): string {
  const hex = hash(of);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return `${parts.join('-')}-${hex.slice(20, 32)}`;
}

export const hash = (of: string): string => createHash('sha256').update(of).digest('hex');

export const items = (credentials: number, apiKeys: number, secrets: number) => ({
  credentials,
  apiKeys,
  secrets,
});

export const ada = { id: 'ada', name: 'Ada Example', email: 'ada@example.com' };
export const longNamed = {
  id: 'auth0|65f1c0ffee65f1c0ffee65f1',
  name: 'Maximiliane von Hohenstein-Wolkenburg',
  email: 'maximiliane.von-hohenstein-wolkenburg@security.example.com',
};
export const byPolicy = { id: 'policy', name: null, email: null };
