import { labelled } from './bars.ts';
import type { Paint } from './paint.ts';
import { tenantId } from './records.ts';

/** What an application needs beside the URL, as whoever stands before the screen may have it. */
export interface ToTry {
  /** Null: as the given DATABASE_URL says, whose password is nobody's to print. */
  readonly databaseUrl: string | null;
  /** Null: likewise. */
  readonly redisUrl: string | null;
  readonly kekUri: string;
}

/** What a person needs to make calls of their own; the commands begin in the first column, ready to be pasted. */
export function welcomeLines(apiUrl: string, token: string, toTry: ToTry, paint: Paint): string[] {
  return [
    '',
    labelled('URL', apiUrl, paint),
    labelled('console', `${apiUrl}/console, for the token in the commands below`, paint),
    labelled('tenant', tenantId, paint),
    labelled('token', 'in the commands: of a security_admin of that tenant, good for 12 hours', paint),
    labelled('Redis', toTry.redisUrl ?? 'as REDIS_URL says', paint),
    '',
    paint.bold('  Try the library, from this folder'),
    '',
    ...tryCommand(toTry),
    '',
    paint.bold('  Start a rotation'),
    '',
    ...rotateCommand(`${apiUrl}${rotatePath}`, token),
    '',
    paint.bold('  Start one and ask how it goes (README and docs take the same four variables)'),
    '',
    `export URL=${apiUrl} TENANT=${tenantId} TOKEN=${token}`,
    `export ROTATION=$(curl -sS -X POST "$URL${rotatePath}" -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'accept: application/json' -H 'content-type: application/json' -H "x-tenantid: $TENANT" \\`,
    `  -d "{\\"tenantId\\":\\"$TENANT\\"}" | grep -o 'rot-[0-9a-f-]*')`,
    `curl -sS -w '\\n' "$URL${rotationsPath}/$ROTATION" -H "Authorization: Bearer $TOKEN" -H 'accept: application/json'`,
    '',
    paint.bold('  Or by the command line, from this folder'),
    '',
    `export REKEY_URL=${apiUrl} REKEY_TOKEN=${token}`,
    `npx rekey rotate --tenant ${tenantId} --watch`,
    '',
    paint.dim('  Ctrl-C stops everything.'),
    '',
  ];
}

/** With the database of the run, as the role that applications work as. */
function tryCommand({ databaseUrl, kekUri }: ToTry): string[] {
  return [
    ...(databaseUrl === null ? [] : [`export DATABASE_URL='${databaseUrl}'`]),
    `export KEK_URI='${kekUri}'`,
    'npx node examples/vault.ts',
  ];
}

const rotatePath = '/api/v1/admin/dek/rotate';
const rotationsPath = '/api/v1/admin/dek/rotations';
const body = JSON.stringify({ tenantId });

function rotateCommand(url: string, token: string): string[] {
  return [
    `curl -sS -w '\\n' -X POST ${url} \\`,
    `  -H 'Authorization: Bearer ${token}' \\`,
    `  -H 'accept: application/json' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -H 'x-tenantid: ${tenantId}' \\`,
    `  -d '${body}'`,
  ];
}
