import { createKeks, type Keks, KmsError, openKek } from '@rekey/kms';
import { CommandError, type World } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

/** The KEKs that the environment names, as workers read it; null: none. */
export async function openKeks(env: World['env']): Promise<Keks | null> {
  const { KEK_URI: uri, KEK_URIS_UNWRAP_ONLY: list = '' } = env;
  if (uri === undefined || uri === '') return null;
  const others = list
    .split(',')
    .map((other) => other.trim())
    .filter((other) => other !== '');
  const wrapsNew = await opened('KEK_URI', uri);
  return createKeks(
    wrapsNew,
    ...(await Promise.all(others.map((other) => opened('KEK_URIS_UNWRAP_ONLY', other)))),
  );
}

async function opened(variable: string, uri: string) {
  try {
    return await openKek(uri);
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    const code = error.code === 'UNAVAILABLE' ? exitCodes.unreachable : exitCodes.failed;
    throw new CommandError('KEK_UNUSABLE', `${variable}: ${error.message}`, code);
  }
}
