import { randomBytes } from 'node:crypto';
import { benchPackage } from '../packages.ts';
import type { Contender } from './contender.ts';

/**
 * The AWS Encryption SDK for JavaScript, crypto alone, without a database: key commitment, no signature, a local key,
 * and its cache of data keys, so that it never leaves this process. A sample.
 */
export const awsEncryptionSdk: Contender = {
  name: 'AWS Encryption SDK, crypto alone',
  async run({ dataset, sampleMs, prepared }) {
    const { decrypt, encrypt } = await build();
    let { result } = await encrypt(randomBytes(dataset.valueBytes));
    await prepared();
    const begun = performance.now();
    let records = 0;
    while (performance.now() - begun < sampleMs) {
      const { plaintext } = await decrypt(result);
      ({ result } = await encrypt(plaintext));
      records += 1;
    }
    return { records, ms: performance.now() - begun };
  },
};

interface Sdk {
  encrypt(plaintext: Buffer): Promise<{ result: Buffer }>;
  decrypt(message: Buffer): Promise<{ plaintext: Buffer }>;
}

const cacheItems = 1_000;
const oneDayMs = 86_400_000;

async function build(): Promise<Sdk> {
  const { buildEncrypt } = await benchPackage('@aws-crypto/encrypt-node');
  const { buildDecrypt } = await benchPackage('@aws-crypto/decrypt-node');
  const { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } = await benchPackage(
    '@aws-crypto/raw-aes-keyring-node',
  );
  const caching = await benchPackage('@aws-crypto/caching-materials-manager-node');
  const { AlgorithmSuiteIdentifier, CommitmentPolicy } = await benchPackage(
    '@aws-crypto/material-management-node',
  );

  const keyring = new RawAesKeyringNode({
    keyNamespace: 'bench',
    keyName: 'bench',
    unencryptedMasterKey: new Uint8Array(randomBytes(32)),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const materials = new caching.NodeCachingMaterialsManager({
    backingMaterials: keyring,
    cache: caching.getLocalCryptographicMaterialsCache(cacheItems),
    maxAge: oneDayMs,
  });
  const policy = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT;
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const { encrypt } = buildEncrypt(policy);
  const { decrypt } = buildDecrypt(policy);
  return {
    encrypt: (plaintext) => encrypt(materials, plaintext, { suiteId }),
    decrypt: (message) => decrypt(materials, message),
  };
}
