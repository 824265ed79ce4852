import { count, duration, time, words } from './format.js';

/** What a condition of a key's destruction rests on, by the names that the database gives it. */
const names = {
  seconds: 'to last',
  horizonSeconds: 'backups are kept for',
  openLocks: 'transactions that may hold it',
  silentProcesses: 'silent',
  unheardRoles: 'roles that have not reported',
  validDays: 'valid for days',
};
const isTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

/** @param {string} name @param {unknown} value @returns {string} */
function told(name, value) {
  if (value === null) return 'unknown';
  if (typeof value === 'number') return /seconds$/i.test(name) ? duration(value * 1_000) : count(value);
  if (typeof value === 'string')
    return isTime.test(value) ? time(new Date(value).toISOString()) : words(value);
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : value.map((/** @type {unknown} */ one) => told('', one)).join(', ');
  const { kind, host, ...rest } = /** @type {Record<string, unknown>} */ (value);
  if (kind !== undefined) return `${kind} on ${host}`;
  return (
    Object.entries(rest)
      .map(([of, n]) => `${of} ${told(of, n)}`)
      .join(', ') || 'none'
  );
}

/** @param {Record<string, unknown>} facts */
export const evidenceText = (facts) =>
  Object.entries(facts)
    .map(([name, value]) => {
      const said = /** @type {Record<string, string>} */ (names)[name];
      return `${said ?? name.replaceAll(/([A-Z])/g, ' $1').toLowerCase()}: ${told(name, value)}`;
    })
    .join(' · ');
