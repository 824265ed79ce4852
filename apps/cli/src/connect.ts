import { type Client, createClient } from '@rekey/client';
import { UsageError, type World } from './command.ts';
import { readTokenFile, tokenIn } from './token-file.ts';

interface Given {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly realm?: string | undefined;
}

const local = 'http://127.0.0.1:3000';
/** For an answer somebody waits for: a few seconds. */
const brisk = { attempts: 5, withinMs: 5_000 };
/** For whoever watches: a restart of the API is no reason to stop. */
const patient = { attempts: 100, withinMs: 120_000 };

export async function connect(
  { env, signal }: World,
  {
    url = env.REKEY_URL || local,
    tokenFile = env.REKEY_TOKEN_FILE || undefined,
    realm = env.REKEY_REALM || undefined,
  }: Given,
): Promise<(isPatient?: boolean) => Client> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError('The URL of the API must begin with https:// or http://.');
  const { username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw new UsageError('The URL of the API must hold no credentials.');
  const token = await readToken(tokenFile, env.REKEY_TOKEN);
  return (isPatient = false) =>
    createClient({
      url,
      token,
      signal,
      retry: isPatient ? patient : brisk,
      ...(realm === undefined ? {} : { realm }),
    });
}

function readToken(file: string | undefined, text: string | undefined): Promise<string> | string {
  if (file !== undefined) return readTokenFile(file);
  if (text !== undefined && text !== '') return tokenIn(text.trim(), 'REKEY_TOKEN');
  throw new UsageError('A token is needed: set REKEY_TOKEN_FILE or REKEY_TOKEN, or give --token-file.');
}
