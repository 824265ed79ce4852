import { needKeyNumber } from '../ciphertext-layout.ts';
import { needDekKey } from '../dek.ts';
import { EnvelopeError } from '../envelope-error.ts';
import { createRecordCipher } from '../record-cipher.ts';
import { type BatchCipher, CipherFault, needPart } from './batch-cipher.ts';

/** By `node:crypto`, which needs a Buffer for every part of a record. */
export const nodeBatchCipher: BatchCipher = {
  kind: 'node',
  begin({ tenantId, column, to, toKeyNumber }) {
    const cipher = createRecordCipher({ tenantId, column });
    needDekKey(to);
    needKeyNumber(toKeyNumber);
    let hasEnded = false;
    return {
      reencrypt(from, source, idAt, idBytes, ciphertextAt, ciphertextBytes, into, at) {
        if (hasEnded) throw new CipherFault('this pass has ended');
        needDekKey(from);
        needPart(source, idAt, idBytes);
        needPart(source, ciphertextAt, ciphertextBytes);
        needPart(into, at, ciphertextBytes);
        const recordId = source.subarray(idAt, idAt + idBytes);
        const ciphertext = source.subarray(ciphertextAt, ciphertextAt + ciphertextBytes);
        try {
          cipher.reencrypt({ recordId, ciphertext, from, to, toKeyNumber }, into, at);
          return 'done';
        } catch (error) {
          if (!(error instanceof EnvelopeError)) throw error;
          if (error.code !== 'MALFORMED' && error.code !== 'AUTHENTICATION_FAILED') throw error;
          return error.code;
        }
      },
      retain() {}, // ciphers live for one record
      end() {
        hasEnded = true;
      },
    };
  },
};
