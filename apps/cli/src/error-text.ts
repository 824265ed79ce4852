import { ClientError } from '@rekey/client';
import { cleanJson } from './clean.ts';
import { type Command, CommandError, UsageError, usageOf, type World } from './command.ts';
import { type ExitCode, exitCodeOfError, exitCodes } from './exit-codes.ts';

interface Called {
  readonly json: boolean;
  readonly command: Command | undefined;
  readonly world: World;
}

/** Says what went wrong, and what to do about it. The exit code. */
export function explainError(error: unknown, { json, command, world }: Called): number {
  const { err } = world;
  const { code, exitCode } = meaningOf(error);
  if (json) {
    err.raw(`${cleanJson({ error: { code, ...detailsOf(error) }, exitCode })}\n`);
    return exitCode;
  }
  err.line('rekey: ', error instanceof ClientError ? plainly(error) : messageOf(error));
  if (error instanceof ClientError) for (const line of remedies(error, exitCode)) err.line(line);
  if (error instanceof UsageError)
    err.line(command === undefined ? 'rekey help lists the commands.' : `usage: ${usageOf(command)}`);
  return exitCode;
}

function meaningOf(error: unknown): { code: string; exitCode: ExitCode } {
  if (error instanceof ClientError) return { code: error.code, exitCode: exitCodeOfError(error) };
  if (error instanceof CommandError) return error;
  if (error instanceof UsageError) return { code: 'USAGE', exitCode: exitCodes.usage };
  return { code: 'UNKNOWN', exitCode: exitCodes.failed };
}

function detailsOf(error: unknown) {
  const message = messageOf(error);
  if (!(error instanceof ClientError)) return { message };
  const { rotationId, requestId, retryAfterSeconds } = error;
  return { message, rotationId, requestId, retryAfterSeconds };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // What nobody meant to throw: its text is for whoever mends it.
  if (error instanceof TypeError || error instanceof RangeError)
    return `This is a fault of rekey, or the API is of another version: ${error.message}`;
  return error.message;
}

/** Without the name that the operation has in a program. */
function plainly({ message, operation, status }: ClientError): string {
  const said = message.startsWith(`${operation} `) ? message.slice(operation.length + 1) : message;
  const [, silent, reason = ''] = /^got no answer from (.*) \(([^()]*)\)$/s.exec(said) ?? [];
  if (silent !== undefined) {
    const meaning = meaningOfReason(reason);
    return `There is no answer from ${silent} (${meaning === '' ? reason : `${reason}: ${meaning}`})`;
  }
  const answered = `answered ${status}: `;
  if (said.startsWith(answered)) return `${said.slice(answered.length)} (${status})`;
  if (said.startsWith('answered ')) return `No API of Rekey ${said}`;
  return said.startsWith('was not sent') ? `It ${said}` : said;
}

const whereItIs = 'Where the API is, says --url or REKEY_URL.';

function remedies(
  { code, message, rotationId, requestId, retryAfterSeconds }: ClientError,
  exitCode: ExitCode,
): string[] {
  const lines: string[] = [];
  if (code === 'NO_ANSWER' && /CERT|VERIFY_LEAF/.test(message))
    lines.push('Of a CA of your own, NODE_EXTRA_CA_CERTS names the file.');
  else if (code === 'NO_ANSWER') lines.push(whereItIs);
  if (code === 'UNEXPECTED_ANSWER')
    lines.push(`${whereItIs} A proxy or a login before it may have answered instead.`);
  if (code === 'NOT_FOUND') lines.push(`${whereItIs} One of an older version may not have it yet.`);
  if (code === 'AUTHENTICATION_FAILED')
    lines.push('The token may have ended. Whose it is, says --token-file, REKEY_TOKEN_FILE or REKEY_TOKEN.');
  if (code === 'ROTATION_IN_PROGRESS' && rotationId !== undefined)
    lines.push(`The one that runs: ${rotationId}`);
  if (retryAfterSeconds !== undefined && retryAfterSeconds > 0)
    lines.push(`It can be tried again in ${retryAfterSeconds} s.`);
  if (requestId !== undefined && exitCode === exitCodes.failed)
    lines.push(`In the log of the API: ${requestId}`);
  return lines;
}

const reasons: ReadonlyArray<readonly [code: RegExp, meaning: string]> = [
  [/^ECONNREFUSED$/, 'nothing listens there'],
  [/^ENOTFOUND$/, 'there is no such host'],
  [/^EAI_AGAIN$/, 'the name is not resolved at present'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'no way leads there'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'the connection was cut'],
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|time-out)$/, 'it takes too long'],
  [/^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/, 'it speaks no TLS; http://?'],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'its certificate is of another name'],
  [/CERT|VERIFY_LEAF/, 'its certificate is not trusted'],
];

/** For whoever does not know the codes by heart; none where it is not known here. */
function meaningOfReason(reason: string): string {
  return reasons.find(([code]) => code.test(reason))?.[1] ?? '';
}
