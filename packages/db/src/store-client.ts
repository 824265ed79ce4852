import { randomUUID } from 'node:crypto';
import { Client, type ClientConfig } from 'pg';
import { beside, cutUnlessClosed } from './closed.ts';
import type { ConnectionBudget } from './connection-budget.ts';
import type { DatabaseAddress } from './database-url.ts';
import { inside, within } from './inside.ts';
import { ownTypes } from './own-types.ts';
import { createPoolingCheck, type Pooling } from './pooling.ts';
import { type Attempt, createRoute, isStandby, type Route } from './route.ts';
import {
  type SessionFacts,
  type Settings,
  sessionLook,
  sessionStatement,
  transactionStatement,
} from './session-settings.ts';
import { spoilsConnection } from './sql-state.ts';
import { StoreError, translateAll } from './store-error.ts';

export interface ClientSettings {
  readonly address: DatabaseAddress;
  readonly applicationName: string;
  readonly session: Settings;
  readonly connectTimeoutMs: number;
  /** What becomes of a connection behind a pooler in transaction mode. */
  readonly transactionPooler: 'refuse' | 'accept';
  /** Every connection that is made takes a place in it until it is closed. */
  readonly budget: ConnectionBudget;
}

/** A connection whose session is prepared before anybody has it. */
export interface StoreClient extends Client {
  readonly session: Session;
}

/** The session of one connection: prepared when it is made, looked at again later. */
export interface Session {
  readonly attempt: Attempt;
  /** The backend behind it. */
  readonly pid: number;
  /** When it was last known to be as it was prepared. */
  readonly preparedAt: number;
  /** Postgres has said something after which this connection is no use to anybody. */
  readonly spoilt: boolean;
  /** Behind a pooler that gives every transaction another session nothing is set in it; this is for each of them. */
  readonly perTransaction: string | undefined;
  /** Makes sure that it still is what it was, and sets again what was reset meanwhile. Throws `StoreError`. */
  renew(): Promise<void>;
}

/** Looks at the server on a connection of its own, whatever becomes of the others. */
export type Look = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

export interface StoreClientClass {
  new (): StoreClient;
  readonly look: Look;
}

/** A class of connections, since node-postgres' pool makes its own from one. */
export function storeClientClass(settings: ClientSettings): StoreClientClass {
  const config = configOf(settings);
  const { budget } = settings;
  const route = createRoute(settings.address, config, budget);
  const findPooling = createPoolingCheck(config, budget);
  return class extends Client {
    static readonly look: Look = async (work) => {
      const client = new Client({ ...config, ...(await route.find()) });
      return beside(budget, client, () => work(client));
    };

    readonly session = new PreparedSession(this, settings, route.attempts[0], findPooling);

    constructor() {
      super({ ...config, ...route.attempts[0] });
      watchBinding(this, settings.address);
      inside(this).connection.on('readyForQuery', budget.answered);
      // Whatever it died of, the server may be another now, or its TLS.
      this.on('error', () => route.forget());
    }

    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | undefined {
      const ready = this.#connect(route);
      if (callback === undefined) return ready.then(() => this);
      ready.then(
        () => (callback as (error?: Error) => void)(), // node-postgres' pool calls it so
        callback,
      );
      return undefined;
    }

    async #connect(way: Route): Promise<void> {
      let leave: (() => void) | undefined;
      try {
        const attempt = await way.find();
        goBy(this, attempt);
        this.session.attempt = attempt;
        leave = await budget.enter();
        this.once('end', leave);
        await super.connect();
        await this.session.renew();
      } catch (error) {
        way.forget();
        void this.end()
          .catch(() => {})
          .then(leave);
        throw translateAll(error);
      }
    }

    override end(): Promise<void>;
    override end(callback: (error: Error) => void): void;
    override end(callback?: (error: Error) => void): Promise<void> | undefined {
      cutUnlessClosed(this);
      if (callback === undefined) return super.end();
      super.end(callback);
      return undefined;
    }
  };
}

function configOf({ address, applicationName, connectTimeoutMs }: ClientSettings): ClientConfig {
  return {
    user: address.user,
    password: address.password,
    database: address.database,
    application_name: address.applicationName ?? applicationName,
    options: address.options,
    connectionTimeoutMillis: address.connectTimeoutMs ?? connectTimeoutMs,
    keepAlive: true,
    ...(address.keepAliveIdleMs === undefined
      ? {}
      : { keepAliveInitialDelayMillis: address.keepAliveIdleMs }),
    ...(address.tls.direct ? { sslnegotiation: 'direct' } : {}),
    enableChannelBinding: address.channelBinding !== 'disable',
  };
}

/** A client is made for one way; this lets it go another, before it sets out. */
function goBy(client: Client, { host, port, ssl }: Attempt): void {
  const { connection } = inside(client);
  Object.assign(client, { host, port, ssl });
  connection.ssl = ssl;
}

/** `channel_binding=require`: the password is used only where the server proves that it hears us directly. */
function watchBinding(client: Client, { channelBinding, password }: DatabaseAddress): void {
  if (channelBinding !== 'require') return;
  let bound = false;
  inside(client).connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: string[] }) => {
    bound = mechanisms.includes('SCRAM-SHA-256-PLUS');
  });
  const proof = async (): Promise<string> => {
    if (bound && password !== undefined) return password;
    throw new StoreError('UNFIT', 'Postgres cannot be used like this: it offers no channel binding');
  };
  Object.assign(client, { password: proof });
}

class PreparedSession implements Session {
  attempt: Attempt;
  pid = 0;
  preparedAt = 0;
  spoilt = false;
  perTransaction: string | undefined;
  readonly #client: Client;
  readonly #settings: ClientSettings;
  readonly #mark = randomUUID();
  readonly #findPooling: () => Promise<Pooling>;

  constructor(
    client: Client,
    settings: ClientSettings,
    attempt: Attempt,
    findPooling: (attempt: Attempt, ask: () => Promise<number>) => Promise<Pooling>,
  ) {
    this.#findPooling = () =>
      findPooling(this.attempt, async () => (await this.#ask<{ pid: number }>(sessionLook)).pid);
    this.#client = client;
    this.#settings = settings;
    this.attempt = attempt;
    inside(client).connection.on('errorMessage', ({ code }: { code?: string }) => {
      if (code !== undefined && spoilsConnection(code)) this.spoilt = true;
    });
  }

  async renew(): Promise<void> {
    const told = inside(this.#client).processID ?? undefined;
    const facts = await this.#ask<SessionFacts>(sessionStatement(this.#settings.session, this.#mark, told));
    checkFacts(facts);
    if (facts.pid !== told) await this.#renewBehindPooler(facts);
    else this.pid = facts.pid;
    this.preparedAt = performance.now();
  }

  /** What is set there has to be there for the next transaction too, and to reach nobody else. */
  async #renewBehindPooler({ pid }: SessionFacts): Promise<void> {
    const { transactionPooler, session } = this.#settings;
    const changed = this.pid !== 0 && this.pid !== pid;
    if (changed || (await this.#findPooling()) === 'transaction') {
      if (transactionPooler === 'refuse') throw isTransactionPooler();
      this.perTransaction = transactionStatement(session);
      return;
    }
    await this.#ask(sessionStatement(session, this.#mark));
    const found = await this.#ask<Pick<SessionFacts, 'pid' | 'mark'>>(sessionLook);
    if (found.pid !== pid || found.mark !== this.#mark) throw isTransactionPooler();
    this.pid = pid;
  }

  /** A pooler answers the start of a connection itself, and may leave the first statement without an answer. */
  async #ask<Row extends object>(statement: string): Promise<Row> {
    const asked = this.#client.query<Row>({ text: statement, types: ownTypes });
    const { rows } = await within(this.#settings.connectTimeoutMs, this.#client, asked);
    const [row] = rows;
    if (row === undefined) throw new Error('A statement that yields one row yielded none');
    return row;
  }
}

function checkFacts({ standby, encoding, replicationRole }: SessionFacts): void {
  if (standby) throw isStandby();
  if (encoding !== 'UTF8') throw unfit(`the database's encoding is ${encoding}, and Rekey needs UTF8`);
  if (replicationRole === 'replica')
    throw unfit(
      `session_replication_role is ${replicationRole}: the triggers that guard keys would not fire`,
    );
}

function unfit(reason: string): StoreError {
  return new StoreError('UNFIT', `Postgres cannot be used like this: ${reason}`);
}

/** Said of what is between us and Postgres when a connection turned out not to be a session. */
function isTransactionPooler(): StoreError {
  return unfit(
    'a pooler gives every transaction another session, and what is set for one is lost or reaches others ' +
      '(connect directly, or use its session mode)',
  );
}
