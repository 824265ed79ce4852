import { type Signer, secondSignerBy, signerBy } from '@rekey/evidence';
import { isTransient, KmsError, openSecondSigningKey, openSigningKey } from '@rekey/kms';
import { ConfigError, type Logger, refuseToStart } from '@rekey/runtime';

/** What signs, once its key can be reached. Throws `KmsError`. */
export type OpenSigner = () => Promise<Signer>;

/** Where a token is away it is so for signing only: the worker starts and asks again whenever there is something to sign. */
export async function usableSigner(
  uri: string | undefined,
  logger: Logger,
): Promise<{ readonly open: OpenSigner; close(): Promise<void> } | null> {
  if (uri === undefined) return null;
  try {
    const key = await openSigningKey(uri);
    const open = createOpenSigner(key);
    await open().catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      logger.warn('the signing key is away: nothing is signed until it is back', { error });
    });
    return { open, close: () => key.close() };
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    return refuseToStart(new ConfigError([`SIGNING_KEY_URI: ${error.message}`]));
  }
}

function createOpenSigner(key: Awaited<ReturnType<typeof openSigningKey>>): OpenSigner {
  let signer: Signer | null = null;
  return async () => {
    signer ??= signerBy(await key.publicKey(), (bytes) => key.sign(bytes));
    return signer;
  };
}

/** What signs certificates besides: from a file, so that it is there from the start or the worker does not start. */
export async function usableSecondSigner(uri: string | undefined): Promise<Signer | null> {
  if (uri === undefined) return null;
  try {
    const key = await openSecondSigningKey(uri);
    return secondSignerBy(await key.publicKey(), (bytes) => key.sign(bytes));
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    return refuseToStart(new ConfigError([`SECOND_SIGNING_KEY_URI: ${error.message}`]));
  }
}
