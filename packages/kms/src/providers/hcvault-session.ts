import type { TransitKey } from '../key-names/hcvault.ts';
import { attemptMs, NotAnswered } from './hcvault-errors.ts';
import { isKnown, type Lease, logIn, renew } from './hcvault-login.ts';

/** The token of a process for one key: logged in when it is first needed, and renewed while it is not. */
export interface Session {
  token(): Promise<string>;
  /** After the server refused this one: whether there is another. No: it is not the token that is at fault. */
  another(token: string, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

const renewAt = 2 / 3;
const renewPauseMs = { least: 500, most: 24 * 60 * 60_000 } as const;
const againMs = { least: 500, most: 60_000 } as const;

export function createSession(key: TransitKey): Session {
  let current: Lease | null = null;
  let logsIn: Promise<Lease> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const timeout = (): AbortSignal => AbortSignal.timeout(attemptMs);

  const drop = (): void => {
    clearTimeout(timer);
    current = null;
  };

  const hold = (lease: Lease): Lease => {
    drop();
    if (isClosed) return lease;
    current = lease;
    if (lease.ms !== null) wake(lease, within(lease.ms * renewAt, renewPauseMs));
    return lease;
  };

  const wake = (lease: Lease, ms: number): void => {
    timer = setTimeout(() => void prolong(lease), ms);
    // A process that has nothing else to do may end.
    timer.unref();
  };

  /** Near its longest life a token is renewed for ever less: then another one is needed. */
  const prolong = async (lease: Lease): Promise<void> => {
    const ms = lease.ms ?? 0;
    if (!lease.renewable) return drop();
    try {
      const renewed = await renew(key, lease, timeout());
      if (current !== lease) return;
      if (renewed?.ms == null || renewed.ms < ms / 2) drop();
      else hold({ ...renewed, ms });
    } catch (error) {
      if (current !== lease) return;
      if (error instanceof NotAnswered && error.errors !== null && error.status === 403) drop();
      else wake(lease, within(ms / 10, againMs));
    }
  };

  const token = async (): Promise<string> => {
    if (current !== null) return current.token;
    logsIn ??= logIn(key, timeout())
      .then(hold)
      .finally(() => {
        logsIn = null;
      });
    return (await logsIn).token;
  };

  return {
    token,
    async another(refused, signal) {
      if (current?.token === refused) {
        if (key.login.kind !== 'token' && (await isKnown(key, refused, signal))) return false;
        drop();
      }
      return (await token()) !== refused;
    },
    close() {
      isClosed = true;
      drop();
    },
  };
}

function within(ms: number, { least, most }: { readonly least: number; readonly most: number }): number {
  return Math.min(Math.max(ms, least), most);
}
