/** `npm run audit:verify -- FILE [--checkpoint FILE] [--key FILE | --jwks FILE]`; what it exits with: `auditVerify`. */
import process from 'node:process';
import { auditVerify } from './audit-verify-main.ts';

process.exitCode = await auditVerify(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
});
