import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';

export interface Secret {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Each byte on its own; of long secrets the beginning is enough. */
const spelt = (bytes: Buffer, before: string, radix: 8 | 16, between = ''): string =>
  Array.from(
    bytes.subarray(0, 16),
    (byte) => before + byte.toString(radix).padStart(radix === 8 ? 3 : 2, '0'),
  ).join(between);

/** The forms in which bytes turn up in text: as they are, as printed or serialized by whatever program. */
const forms: Readonly<Record<string, (bytes: Buffer) => string[]>> = {
  utf8: (bytes) => [bytes.toString('utf8'), bytes.toString('latin1')],
  hex: (bytes) => [bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
  spacedHex: (bytes) => [spelt(bytes, '', 16, ' '), spelt(bytes, '', 16, ':')],
  escapedHex: (bytes) => [spelt(bytes, '\\x', 16), spelt(bytes, '\\\\x', 16), spelt(bytes, '\\u00', 16)],
  octal: (bytes) => [spelt(bytes, '\\', 8), spelt(bytes, '\\\\', 8)],
  percent: (bytes) => [spelt(bytes, '%', 16), spelt(bytes, '%', 16).toUpperCase(), percentOf(bytes)],
  base64: (bytes) => [0, 1, 2].flatMap((shift) => inside(bytes, shift, 'base64')),
  base64url: (bytes) => [0, 1, 2].flatMap((shift) => inside(bytes, shift, 'base64url')),
  decimals: (bytes) => [Array.from(bytes.subarray(0, 16)).join(',')],
  utf16: (bytes) =>
    [wide(bytes), wide(bytes).swap16()].flatMap((two) => [two.toString('latin1'), two.toString('hex')]),
  utf16Base64: (bytes) =>
    [wide(bytes), wide(bytes).swap16()].flatMap((two) =>
      [0, 1, 2].flatMap((shift) => inside(two, shift, 'base64')),
    ),
};

/** UTF-16 LE, of text and of bytes that were taken for text. */
function wide(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1'), 'utf16le');
}

/** As in a URL: what may stand there stands as it is. */
function percentOf(bytes: Buffer): string {
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[\w.~-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }).join('');
}

/** How bytes look within longer base64 that began `shift` bytes before them, without the characters they share. */
function inside(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string[] {
  const whole = Buffer.concat([Buffer.alloc(shift), bytes]);
  const text = whole
    .subarray(0, whole.length - (whole.length % 3))
    .toString(encoding)
    .slice(shift === 0 ? 0 : 4);
  return text.length >= 12 ? [text] : [];
}

/** Every form of a secret, by name. */
export function formsOf({ bytes }: Secret): Array<{ form: string; text: string }> {
  return Object.entries(forms).flatMap(([form, of]) => of(bytes).map((text) => ({ form, text })));
}

/** Which secrets stand in a text, and in which form. Never says what they are. */
export function leaksIn(text: string, secrets: readonly Secret[]): string[] {
  return secrets.flatMap((secret) =>
    formsOf(secret)
      .filter((found) => text.includes(found.text))
      .map(({ form }) => `${secret.name} as ${form}`),
  );
}

/** Every row of every table of a database, as one text: what a dump of it holds. */
export async function databaseContents(on: Pick<Pool, 'query'>): Promise<string> {
  const { rows: tables } = await on.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname !~ '^pg_|^information_schema$' order by 1`,
  );
  const parts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await on.query<{ row: string }>(`select t::text as row from ${name} t`);
    parts.push(name, ...rows.map(({ row }) => row));
  }
  return parts.join('\n');
}

/** Every key and value of a Redis, whatever their type, as one text. */
export async function redisContents(redis: Redis): Promise<string> {
  const parts: string[] = [];
  for (const key of await redis.keys('*')) {
    parts.push(key);
    switch (await redis.type(key)) {
      case 'string':
        parts.push((await redis.get(key)) ?? '');
        break;
      case 'hash':
        parts.push(JSON.stringify(await redis.hgetall(key)));
        break;
      case 'list':
        parts.push(...(await redis.lrange(key, 0, -1)));
        break;
      case 'set':
        parts.push(...(await redis.smembers(key)));
        break;
      case 'zset':
        parts.push(...(await redis.zrange(key, '0', '-1')));
        break;
      case 'stream':
        parts.push(JSON.stringify(await redis.xrange(key, '-', '+')));
        break;
    }
  }
  return parts.join('\n');
}

/**
 * Everything that anybody sends to a Redis from now on, with every argument. On a socket of its own: ioredis takes lines
 * that come together with the answer to MONITOR, as they do on a busy server, for answers to commands.
 */
export async function listenIn(url: string): Promise<{ heard: string[]; stop(): void }> {
  const { hostname, port, password } = new URL(url);
  const heard: string[] = [];
  const listening = Promise.withResolvers<void>();
  let isOver = false;
  let socket: Socket;
  const listen = (): void => {
    let answers = 0;
    socket = connect(Number(port), hostname);
    socket.on('error', listening.reject);
    // A Redis that is told to drop its clients drops this one too.
    socket.on('close', () => isOver || listen());
    createInterface({ input: socket }).on('line', (line) => {
      if (line.startsWith('-')) listening.reject(new Error(line));
      else if (line.includes(' [')) heard.push(spoken(line));
      else if (++answers === 2) listening.resolve();
    });
    socket.write(`AUTH ${decodeURIComponent(password)}\r\nMONITOR\r\n`);
  };
  listen();
  await listening.promise;
  return {
    heard,
    stop() {
      isOver = true;
      socket.destroy();
    },
  };
}

/** The arguments of a line of MONITOR (`+time [database client] "command" "argument" …`) as they were sent. */
function spoken(line: string): string {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
    .map(([, argument = '']) =>
      argument.replace(/\\(x([0-9a-f]{2})|.)/g, (_, after: string, hex?: string) =>
        hex === undefined ? (escapes[after] ?? after) : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    )
    .join(' ');
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };
