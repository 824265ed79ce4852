import type { Kek, OpenKek } from './kek.ts';
import { KmsError } from './kms-error.ts';

interface Provider {
  readonly load: () => Promise<{ readonly open: OpenKek }>;
  /** What has to be installed beside this package. */
  readonly needs?: string;
}

/** A file each, loaded when a KEK of its scheme is opened for the first time: whoever uses one KMS needs no other's SDK. */
const providers: Readonly<Record<string, Provider>> = {
  local: { load: () => import('./providers/local.ts') },
  'aws-kms': { load: () => import('./providers/aws-kms.ts'), needs: '@aws-sdk/client-kms' },
  'azure-kv': { load: () => import('./providers/azure-kv.ts'), needs: '@azure/identity' },
  'gcp-kms': { load: () => import('./providers/gcp-kms.ts'), needs: 'google-auth-library' },
  hcvault: { load: () => import('./providers/hcvault.ts') },
  pkcs11: {
    load: () => import('./providers/pkcs11.ts'),
    needs: 'pkcs11js, which is compiled when it is installed (C++ compiler, make, Python)',
  },
};

/**
 * Opens the KEK that a URI names: `local:<path>`, a key file, relative to the working directory or absolute;
 * `aws-kms:<ARN>`, a key of AWS KMS; `azure-kv:https://<vault>/keys/<name>`, a key of Azure's Key Vault; `gcp-kms:<resource name>`, a key of Google's Cloud KMS;
 * `hcvault:https://<host>/<mount>/keys/<name>`, a key of Vault's or OpenBao's Transit; `pkcs11:…`, a key in a token
 * (docs/kek-providers.md).
 *
 * @throws KmsError `INVALID_URI`, `UNSUPPORTED_URI`, and what the provider throws. Of the URI a message repeats only
 *   the scheme, the path of a key file, the ARN or name of a key, or its mount and name: the rest may carry credentials.
 */
export async function openKek(uri: string): Promise<Kek> {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9-]{0,31}):(.*)$/s.exec(uri) ?? [];
  const provider = Object.hasOwn(providers, scheme) ? providers[scheme] : undefined;
  if (provider !== undefined) return (await loaded(scheme, provider)).open(uri, rest);
  throw new KmsError(
    'INVALID_URI',
    `KEK: the URI must begin with one of ${Object.keys(providers).join(', ')} and a colon`,
  );
}

async function loaded(scheme: string, { load, needs }: Provider): Promise<{ readonly open: OpenKek }> {
  try {
    return await load();
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
    if (needs === undefined || !isMissing) throw error;
    throw new KmsError('UNSUPPORTED_URI', `KEK: ${scheme}: needs a package that is not installed: ${needs}`);
  }
}
