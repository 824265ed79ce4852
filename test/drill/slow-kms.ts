import type { Owner } from '../harness/cleanup.ts';
import { fakeTransit } from '../harness/fake-transit.ts';

/** Where new DEKs are wrapped: a KMS that takes so long for each call. */
export async function slowKms(
  ms: number,
  owner: Owner,
): Promise<{ uri: string; env: Record<string, string> }> {
  const kms = await fakeTransit(owner);
  const token = 'hvs.token-of-a-drill';
  kms.tokens.set(token, { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 });
  kms.slowMs = ms;
  return { uri: kms.uri(), env: { VAULT_TOKEN: token } };
}
