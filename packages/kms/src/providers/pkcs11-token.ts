import { KmsError } from '../kms-error.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { codeOf } from './pkcs11-errors.ts';
import type { TokenKey } from './pkcs11-key.ts';
import {
  closeSession,
  type FindKey,
  leaveModule,
  type Module,
  openSession,
  type Session,
  useModule,
} from './pkcs11-session.ts';

/** How long the token may take for one operation. */
const attemptMs = 3_000;

/** A key in a token, with one session that is opened when it is used and never used again after a failure. */
export interface Token {
  readonly module: Module;
  /** One after the other; in a bounded time; in errors of ours. */
  call<Answer>(work: (session: Session) => Promise<Answer>): Promise<Answer>;
  /** In a session of its own; from within a call too. Throws the module's errors. */
  aside<Answer>(work: (session: Session) => Promise<Answer>): Promise<Answer>;
  failed(code: KmsError['code'], said: string): KmsError;
  close(): Promise<void>;
}

/** @throws KmsError `INVALID_URI` for a module that cannot be loaded, `DENIED` */
export function openToken(key: TokenKey, find: FindKey): Token {
  const module = useModule(key.module);
  let session: Session | null = null;
  let isClosed = false;
  /** Of the last operation: a session has one at a time. */
  let last: Promise<unknown> = Promise.resolve();

  const failed = (code: KmsError['code'], said: string): KmsError =>
    new KmsError(code, `PKCS #11, ${key.id}: ${said}`, { kekId: key.id });

  const drop = (): void => {
    if (session !== null) closeSession(module, session.handle);
    session = null;
  };

  /** Of an operation that was given up and is still in the module: the module stays, and its session is closed behind it. */
  const abandon = (working: Promise<unknown>): void => {
    const left = session;
    session = null;
    useModule(key.module);
    const done = (): void => {
      if (left !== null) closeSession(module, left.handle);
      leaveModule(key.module);
    };
    working.then(done, done);
  };

  const opened = async (): Promise<Session> => {
    session ??= await openSession(module, key, find);
    return session;
  };

  return {
    module,
    failed,
    call: (work) =>
      withRetries(() => {
        const turn = last.then(async () => {
          if (isClosed) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
          let working: ReturnType<typeof work> | undefined;
          try {
            return await inTime(attemptMs, () => {
              working = opened().then(work);
              return working;
            });
          } catch (error) {
            if (error instanceof DOMException && working !== undefined) abandon(working);
            else drop();
            if (error instanceof KmsError) {
              const { code, message } = error;
              throw message.startsWith('PKCS #11: ') ? failed(code, message.slice(10)) : error;
            }
            const { code, said } = codeOf(error);
            throw failed(code, said);
          }
        });
        last = turn.catch(() => {});
        return turn;
      }),
    async aside(work) {
      const probe = await openSession(module, key, find);
      try {
        return await work(probe);
      } finally {
        closeSession(module, probe.handle);
      }
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await last;
      drop();
      leaveModule(key.module);
    },
  };
}
