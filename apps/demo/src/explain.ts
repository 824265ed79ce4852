import { ClientError } from '@rekey/client';
import { StoreError } from '@rekey/db';
import { KmsError } from '@rekey/kms';
import { ConfigError } from '@rekey/runtime';
import { StackError } from '@rekey/stack';
import { VaultError } from '@rekey/vault';
import { DemoError } from './demo-error.ts';

const ours = [DemoError, StackError, StoreError, VaultError, KmsError, ClientError];

/** What a person needs to read of an error; null for one that nobody foresaw, whose trace is what helps. */
function explain(error: unknown): string | null {
  if (error instanceof ConfigError) return error.problems.join('\n');
  return error instanceof Error && ours.some((one) => error instanceof one) ? error.message : null;
}

/**
 * Says on stderr what has gone wrong; nothing for the signal that was only asked for. What nobody foresaw is thrown on,
 * trace and all.
 */
export function tell(error: unknown, signal: AbortSignal): void {
  // What failed in taking things down comes with what was thrown before.
  const errors = error instanceof SuppressedError ? [error.suppressed, error.error] : [error];
  for (const each of errors) {
    if (signal.aborted && each === signal.reason) continue;
    const sentence = explain(each);
    if (sentence === null) throw each;
    process.stderr.write(`${sentence}\n`);
  }
}
