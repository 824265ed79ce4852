/** Says which cipher a process of these flags has, for REKEY_CIPHER=auto and =ffi; warns of something else meanwhile. */
import process from 'node:process';
import { openBatchCipher } from '@rekey/envelope';

process.emitWarning('of something else', 'ExperimentalWarning');
const { cipher, reason } = openBatchCipher('auto');
let forced: string;
try {
  forced = openBatchCipher('ffi').cipher.kind;
} catch (error) {
  forced = error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error';
}
process.emitWarning('and afterwards');
process.stdout.write(`${JSON.stringify({ kind: cipher.kind, reason, forced })}\n`);
