/** `npm run certificate:verify -- FILE --key FILE | --jwks FILE [--second-key FILE] [--tsa-ca FILE] [--json]`: 0 verified, 1 refused, 2 not asked rightly. */
import process from 'node:process';
import { certificateVerify } from './verify-main.ts';

process.exitCode = await certificateVerify(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
