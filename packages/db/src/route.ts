import { Client, type ClientConfig } from 'pg';
import { beside } from './closed.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import type { DatabaseAddress, Host } from './database-url.ts';
import { within } from './inside.ts';
import { ownTypes } from './own-types.ts';
import { StoreError, translate } from './store-error.ts';

/** One way to the server: which host, and how private. */
export interface Attempt extends Host {
  readonly ssl: NonNullable<ClientConfig['ssl']>;
}

export interface Route {
  /** All ways, in the order in which libpq tries them. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
  /** The way that leads to a server which takes writes. Looked for once by all who ask meanwhile. */
  find(): Promise<Attempt>;
  /** A connection of it failed: the next to ask looks again. */
  forget(): void;
}

/**
 * With one host, and TLS either wanted or not, there is nothing to look for. Else each way is tried with a connection
 * of its own, which is closed again: node-postgres has neither several hosts nor `sslmode=prefer`.
 */
export function createRoute(
  address: DatabaseAddress,
  probeConfig: ClientConfig,
  budget: ConnectionBudget,
): Route {
  const [first, ...more] = address.hosts.flatMap((host) => waysTo(host, address));
  if (first === undefined) throw new StoreError('UNFIT', 'The database URL names no host');
  const attempts: Route['attempts'] = [first, ...more];
  let search: Promise<Attempt> | undefined;
  return {
    attempts,
    find() {
      if (more.length === 0) return Promise.resolve(first);
      if (search === undefined) {
        const begun = tryEach(attempts, probeConfig, budget);
        search = begun;
        begun.catch(() => {
          if (search === begun) search = undefined;
        });
      }
      return search;
    },
    forget() {
      search = undefined;
    },
  };
}

/** A Unix socket has no TLS, whatever was asked for: as with libpq. */
function waysTo({ host, port }: Host, { tls }: DatabaseAddress): Attempt[] {
  if (host.startsWith('/')) return [{ host, port, ssl: false }];
  return tls.attempts.map((ssl) => ({ host, port, ssl }));
}

async function tryEach(
  attempts: Route['attempts'],
  config: ClientConfig,
  budget: ConnectionBudget,
): Promise<Attempt> {
  let reason: unknown;
  let silent: string | undefined;
  let unlessElse: unknown;
  for (const [at, attempt] of attempts.entries()) {
    // What did not answer with TLS does not answer without: only its refusal leads there.
    if (silent === placeOf(attempt)) continue;
    const client = new Client({ ...config, ...attempt });
    try {
      const { rows } = await beside(budget, client, () => {
        const asked = client.query<{ standby: boolean }>({
          text: 'select pg_is_in_recovery() as standby',
          types: ownTypes,
        });
        return within(config.connectionTimeoutMillis ?? 2_000, client, asked);
      });
      if (rows[0]?.standby === false) return attempt;
      if (reason === undefined || weight(reason) < 2) reason = isStandby();
      silent = placeOf(attempt);
    } catch (error) {
      const known = translate(error);
      if (isAway(known)) silent = placeOf(attempt);
      // That TLS is not to be had leads on to the way without it, and is no reason of its own then.
      const next = attempts[at + 1];
      const leadsOn = next !== undefined && placeOf(next) === placeOf(attempt);
      if (isUnfit(known) && leadsOn) unlessElse ??= known;
      else if (reason === undefined || weight(known) > weight(reason)) reason = known;
    }
  }
  throw reason ?? unlessElse;
}

const placeOf = ({ host, port }: Host): string => `${host} ${port}`;

/** Nobody answered: there is no SQLSTATE. */
function isAway(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'UNAVAILABLE' && error.sqlState === undefined;
}

function isUnfit(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'UNFIT';
}

/** What Postgres itself said says most; least that nobody answered, since that may be a host that is merely off. */
function weight(error: unknown): number {
  if (isAway(error)) return 0;
  return isUnfit(error) ? 1 : 2;
}

export function isStandby(): StoreError {
  return new StoreError(
    'UNAVAILABLE',
    'Postgres is not available: it takes no writes: it is a standby (25006)',
    {
      sqlState: '25006',
    },
  );
}
