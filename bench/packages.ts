import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { runProgram } from '@rekey/stack';
import { Unavailable } from './contenders/contender.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** As far as the benchmark uses them; its type check must not need them installed. */
interface BenchPackages {
  '@aws-crypto/encrypt-node': {
    buildEncrypt(policy: Opaque): {
      encrypt(
        materials: Opaque,
        plaintext: Buffer,
        options: { suiteId: Opaque },
      ): Promise<{ result: Buffer }>;
    };
  };
  '@aws-crypto/decrypt-node': {
    buildDecrypt(policy: Opaque): {
      decrypt(materials: Opaque, message: Buffer): Promise<{ plaintext: Buffer }>;
    };
  };
  '@aws-crypto/raw-aes-keyring-node': {
    RawAesKeyringNode: new (options: Record<string, unknown>) => Opaque;
    RawAesWrappingSuiteIdentifier: { AES256_GCM_IV12_TAG16_NO_PADDING: Opaque };
  };
  '@aws-crypto/caching-materials-manager-node': {
    NodeCachingMaterialsManager: new (options: Record<string, unknown>) => Opaque;
    getLocalCryptographicMaterialsCache(itemsMax: number): Opaque;
  };
  '@aws-crypto/material-management-node': {
    AlgorithmSuiteIdentifier: { ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY: Opaque };
    CommitmentPolicy: { REQUIRE_ENCRYPT_REQUIRE_DECRYPT: Opaque };
  };
}
declare const opaque: unique symbol;
type Opaque = { readonly [opaque]: never };

let installing: Promise<void> | undefined;

/** A package of bench/package.json, all of which are installed here on first use. @throws Unavailable */
export async function benchPackage<Name extends keyof BenchPackages>(
  name: Name,
): Promise<BenchPackages[Name]> {
  installing ??= install();
  await installing;
  const loaded: unknown = createRequire(import.meta.url)(name);
  return loaded as BenchPackages[Name]; // the parsed edge: its version is pinned
}

async function install(): Promise<void> {
  if (await exists(`${folder}node_modules/@aws-crypto`)) return;
  const { code } = await runProgram({
    file: 'npm',
    args: ['ci', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error'],
    env: npmEnvironment(),
    signal: AbortSignal.timeout(installWithinMs),
  }).catch(() => ({ code: null }));
  if (code !== 0) throw new Unavailable('npm could not install bench/package.json');
}

const installWithinMs = 120_000;

/** Without what the npm that runs us has set, such as its own prefix. */
function npmEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !name.toLowerCase().startsWith('npm_')) env[name] = value;
  return env;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
