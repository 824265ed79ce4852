import { VaultError, type VaultErrorCode } from '@rekey/vault';

/** For `assert.rejects`: an error of the vault's with this code. */
export function refusal(code: VaultErrorCode): (error: unknown) => boolean {
  return (error) => {
    if (error instanceof VaultError && error.code === code) return true;
    throw new Error(`not ${code} but ${describe(error)}`);
  };
}

/** What came of it: `done`, or the code of the error of the vault's. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'done', describe);
}

function describe(error: unknown): string {
  return error instanceof VaultError ? error.code : `${error}`;
}
