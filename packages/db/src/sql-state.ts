import type { StoreErrorCode } from './store-error.ts';

/** What an SQLSTATE comes to, and what it says to people. */
interface Meaning {
  readonly code: StoreErrorCode;
  readonly reason?: string;
  /** The connection is no use any more, though it answers: its session, or its server, is not the one to go on with. */
  readonly spoils?: true;
}

const away = (reason: string): Meaning => ({ code: 'UNAVAILABLE', reason });
const spoilt = (reason: string): Meaning => ({ code: 'UNAVAILABLE', reason, spoils: true });

/** By the whole SQLSTATE, as in the PostgreSQL manual, appendix A; RK is the class of this schema's own. */
const ofState: Readonly<Record<string, Meaning>> = {
  '08P01': spoilt('the server, or a pooler before it, refuses this form of connection'),
  '0A000': spoilt('the connection has a plan from before a change of the tables'),
  '25006': spoilt('it takes no writes: a standby, or a session or transaction set to read-only'),
  '25P03': spoilt('a transaction stood still for too long'),
  '25P04': spoilt('a transaction took too long'),
  '26000': spoilt('the connection has lost a prepared statement, as behind a pooler'),
  '28000': { code: 'ACCESS_DENIED', reason: 'the role does not exist, or pg_hba.conf refuses it from here' },
  '28P01': { code: 'ACCESS_DENIED', reason: 'the password is wrong, or the role does not exist' },
  '3D000': { code: 'ACCESS_DENIED', reason: 'there is no such database' },
  '42501': { code: 'ACCESS_DENIED', reason: 'a right is missing' },
  '53100': away('the disk is full'),
  '53200': away('it is out of memory'),
  '53300': away('it has no connection left for us'),
  '55000': { code: 'REFUSED', reason: 'not in this state' },
  '55006': { code: 'LOCKED', reason: 'in use' },
  '55P03': { code: 'LOCKED' },
  '57014': away('a statement took too long, or was cancelled'),
  '57P01': spoilt('it is stopping, or somebody ended the connection'),
  '57P02': spoilt('a process of it crashed, and it starts anew'),
  '57P03': spoilt('it is starting or stopping'),
  '57P04': spoilt('the database was dropped'),
  '57P05': spoilt('the connection was idle for too long'),
  '58030': away('it cannot read or write its files'),
  '40001': { code: 'CONFLICT' },
  '40P01': { code: 'CONFLICT', reason: 'a deadlock' },
  P0001: { code: 'REFUSED', reason: 'a trigger or function refused it' },
  RK001: { code: 'FENCED' },
  XX001: { code: 'INTERNAL', reason: 'Postgres found damaged data' },
  XX002: { code: 'INTERNAL', reason: 'Postgres found a damaged index' },
};

const ofClass: Readonly<Record<string, Meaning>> = {
  '08': spoilt('the connection failed'),
  '21': { code: 'REFUSED' },
  '22': { code: 'REFUSED', reason: 'a value does not fit its type' },
  '23': { code: 'REFUSED', reason: 'a constraint' },
  '28': { code: 'ACCESS_DENIED', reason: 'it knows us not' },
  '42': { code: 'REFUSED' },
  '53': away('it is out of a resource'),
  '57': spoilt('it is stopping, or was told to'),
  '58': away('its system has an error'),
  RK: { code: 'REFUSED', reason: 'a guard of the schema' },
};

/** What is missing: a table, a schema, a function, a column, a type. */
export const missingStates: ReadonlySet<string> = new Set(['42P01', '3F000', '42883', '42703', '42704']);

export function isSqlState(code: string): boolean {
  return /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E'); // EPIPE is none
}

/** Undefined for an SQLSTATE that no list names. */
export function meaningOf(code: string): Meaning | undefined {
  return ofState[code] ?? ofClass[code.slice(0, 2)];
}

export function spoilsConnection(code: string): boolean {
  return meaningOf(code)?.spoils === true;
}
