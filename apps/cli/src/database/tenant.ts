import { randomUUID } from 'node:crypto';
import { createVault, VaultError, type VaultErrorCode } from '@rekey/vault';
import { type Call, CommandError, UsageError } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { openKeks } from './open-keks.ts';
import { withDatabase } from './with-database.ts';

const ofErrors: Partial<Record<VaultErrorCode, ExitCode>> = {
  INVALID_ID: exitCodes.usage,
  INVALID_VALUE: exitCodes.usage,
  UNAVAILABLE: exitCodes.unreachable,
  ACCESS_DENIED: exitCodes.notPermitted,
  SCHEMA_MISSING: exitCodes.notFound,
  RETRY: exitCodes.conflict,
  NO_ACTIVE_KEY: exitCodes.conflict,
};

/** As an application does it: the tenant, and a first DEK under the KEK of this process. */
export async function create(call: Call): Promise<number> {
  const name = call.option('name');
  if (name === undefined) throw new UsageError('What is it called? --name is needed.');
  const tenantId = (call.option('tenant') ?? randomUUID()).toLowerCase();
  const keks = await openKeks(call.env);
  if (keks === null)
    throw new UsageError(
      'KEK_URI is missing: the first DEK of a tenant is wrapped under it, as the workers have it.',
    );
  try {
    await withDatabase(call, async (store) => {
      const vault = createVault({ store, kek: keks });
      try {
        await vault.createTenant({ tenantId, name });
      } finally {
        await vault.close();
      }
    });
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    throw new CommandError(error.code, `${error.message}.`, ofErrors[error.code] ?? exitCodes.failed);
  } finally {
    await keks.close();
  }
  call.tell({ tenantId, name }, () => call.out.line(tenantId));
  return exitCodes.completed;
}
