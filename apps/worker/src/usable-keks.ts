import {
  allowTenantKeks,
  createKeks,
  isTransient,
  type Kek,
  type Keks,
  KmsError,
  nameKeks,
  openKek,
  parseKekNames,
  parseKekTemplates,
} from '@rekey/kms';
import { ConfigError, type Logger, refuseToStart } from '@rekey/runtime';
import type { WorkerConfig } from './config.ts';

type KekConfig = Pick<
  WorkerConfig,
  'KEK_URI' | 'KEK_URIS_UNWRAP_ONLY' | 'KEKS' | 'TENANT_KEKS' | 'TENANT_KEK_ADDRESSES'
>;

/**
 * Opens the KEKs. The one that is to wrap is tried; one that is away for the moment is waited for, and one that can never
 * work is refused, in a line that names the variable.
 */
export async function usableKeks(
  config: KekConfig,
  logger: Logger,
  counted: (kek: Kek) => Kek = (kek) => kek,
): Promise<Keks> {
  const wrapsNew = counted(await usable('KEK_URI', config.KEK_URI));
  if (!(await unwrapsWhatItWraps(wrapsNew, logger))) refuse('KEK_URI: what it wraps it does not unwrap');
  const unwrapOnly: Kek[] = [];
  for (const uri of urisOf(config)) unwrapOnly.push(counted(await usable('KEK_URIS_UNWRAP_ONLY', uri)));
  const named = new Map<string, Kek>();
  for (const { name, uri } of parseKekNames(config.KEKS ?? '') ?? [])
    named.set(name, counted(await usable('KEKS', uri)));
  const ids = [...named.values()].map(({ id }) => id);
  if (new Set(ids).size < ids.length) refuse('KEKS: two names stand for the same KEK');
  const keks = nameKeks(createKeks(wrapsNew, ...unwrapOnly, ...named.values()), named);
  if (config.TENANT_KEKS === undefined) return keks;
  return allowTenantKeks(keks, {
    templates: parseKekTemplates(config.TENANT_KEKS, config.TENANT_KEK_ADDRESSES),
    addresses: config.TENANT_KEK_ADDRESSES,
  });
}

function urisOf({ KEK_URIS_UNWRAP_ONLY: list = '' }: KekConfig): string[] {
  return list
    .split(',')
    .map((uri) => uri.trim())
    .filter((uri) => uri !== '');
}

async function usable(variable: string, uri: string): Promise<Kek> {
  try {
    return await openKek(uri);
  } catch (error) {
    if (error instanceof KmsError) refuse(`${variable}: ${error.message}`);
    throw error;
  }
}

async function unwrapsWhatItWraps(opened: Kek, logger: Logger): Promise<boolean> {
  const aad = Buffer.from('rekey start');
  const probe = Buffer.alloc(32, 0x5a);
  try {
    return (await opened.unwrap(await opened.wrap(probe, aad), aad)).equals(probe);
  } catch (error) {
    if (error instanceof KmsError && !isTransient(error)) refuse(`KEK_URI: ${error.message}`);
    if (!isTransient(error)) throw error;
    logger.warn('the KMS is away: waiting for it', { error });
    return true;
  }
}

function refuse(problem: string): never {
  return refuseToStart(new ConfigError([problem]));
}
