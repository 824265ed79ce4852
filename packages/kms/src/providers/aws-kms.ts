import { Buffer } from 'node:buffer';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import type { OpenKek } from '../kek.ts';
import { encryptionContext, parseAwsKey } from '../key-names/aws-kms.ts';
import { KmsError } from '../kms-error.ts';
import { bytesOf } from '../read-answer.ts';
import { inTime, withRetries } from '../with-retries.ts';
import { attemptMs, codeOf, isAnswer } from './aws-kms-errors.ts';

// A wrapped DEK: 0x01 ‖ the CiphertextBlob of AWS: docs/ciphertext-format.md
const version = 0x01;
const dekBytes = 32;

/** The SDK's own agent keeps what is idle until the other side gives it up, which may not be told. */
const agentOptions = { keepAlive: true, maxSockets: 50, timeout: attemptMs + 1_000 } as const;

/**
 * A symmetric key of AWS KMS: `aws-kms:<ARN of the key>`. Credentials are found as every AWS SDK finds them. What it wraps is
 * bound to tenant and DEK by the encryption context, which AWS writes into its log: two ids.
 *
 * @throws KmsError `INVALID_URI`. Whether the key can be used is seen when it is
 */
export const open: OpenKek = async (uri, rest) => {
  const key = parseAwsKey(rest);
  const [httpAgent, httpsAgent] = [new HttpAgent(agentOptions), new HttpsAgent(agentOptions)];
  const newClient = (): KMSClient =>
    new KMSClient({
      region: key.region,
      ...(key.endpoint === undefined ? {} : { endpoint: key.endpoint }),
      // We try again ourselves, so that all of it together is bounded.
      maxAttempts: 1,
      // The SDK's own takes whatever comes until its time is over.
      streamCollector: bytesOf,
      requestHandler: {
        connectionTimeout: attemptMs,
        requestTimeout: attemptMs,
        throwOnRequestTimeout: true,
        httpAgent,
        httpsAgent,
      },
    });
  let client: KMSClient | null = newClient();

  /** Those that are in use go on. */
  const dropIdle = (): void => {
    for (const { freeSockets } of [httpAgent, httpsAgent])
      for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  };

  /** Throws nothing of the SDK's: its messages may quote what was sent. */
  const call = <Answer>(work: (kms: KMSClient, options: { abortSignal: AbortSignal }) => Promise<Answer>) =>
    withRetries(async () => {
      if (client === null) throw new KmsError('UNAVAILABLE', 'KEK: closed', { kekId: key.id });
      const kms = client;
      const { systemClockOffset } = kms.config;
      try {
        return await inTime(attemptMs, (abortSignal) => work(kms, { abortSignal }));
      } catch (error) {
        // What cut one connection off has cut off those that were idle for as long: the next attempt makes a new one.
        if (!isAnswer(error)) dropIdle();
        const { code, said } = codeOf(error, systemClockOffset);
        // By a clock that is behind they would be taken for good for as long as it is.
        if (said === 'ExpiredTokenException' && client === kms) client = newClient();
        throw new KmsError(code, `AWS KMS, ${key.arn}: ${said}`, { kekId: key.id });
      }
    });

  return {
    id: key.id,
    uri,
    async wrap(dek, aad) {
      const { CiphertextBlob: blob } = await call((kms, options) =>
        kms.send(
          new EncryptCommand({ KeyId: key.arn, Plaintext: dek, EncryptionContext: encryptionContext(aad) }),
          options,
        ),
      );
      if (blob === undefined)
        throw new KmsError('UNAVAILABLE', `AWS KMS, ${key.arn}: an answer without a ciphertext`);
      return Buffer.concat([Buffer.of(version), blob]);
    },
    async unwrap(wrapped, aad) {
      if (wrapped.length < 2 || wrapped[0] !== version)
        throw new KmsError('CORRUPT', 'wrapped DEK: not of the form that an AWS KMS key makes');
      const { Plaintext: plain, KeyId: usedKey } = await call((kms, options) =>
        kms.send(
          new DecryptCommand({
            KeyId: key.arn,
            CiphertextBlob: wrapped.subarray(1),
            EncryptionContext: encryptionContext(aad),
          }),
          options,
        ),
      );
      if (plain === undefined)
        throw new KmsError('UNAVAILABLE', `AWS KMS, ${key.arn}: an answer without a plaintext`);
      try {
        // AWS refuses this itself; whatever else speaks its protocol need not.
        if (usedKey === undefined || !key.isSame(usedKey))
          throw new KmsError('NOT_FOUND', `AWS KMS, ${key.arn}: the DEK was wrapped under another key`, {
            kekId: key.id,
          });
        if (plain.length !== dekBytes)
          throw new KmsError('CORRUPT', `AWS KMS, ${key.arn}: what was wrapped is no DEK of 32 bytes`);
        const dek = Buffer.alloc(dekBytes);
        dek.set(plain);
        return dek;
      } finally {
        plain.fill(0);
      }
    },
    async close() {
      client?.destroy();
      client = null;
    },
  };
};
