import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Owner, thisFile } from './cleanup.ts';
import { skipWithoutToken, type Token, tokenFolder, tokenIn } from './token.ts';
import { tokenLabel } from './token-label.ts';
import { tool } from './tool.ts';

const nss = await tool('nss');

/** For the options of a test that asks NSS. */
export const skipWithoutNss = skipWithoutToken(nss);

/**
 * A token with the module of Mozilla's NSS, which has OAEP with SHA-256 and looks at all that it is told. Only for processes that
 * begin with its environment: its libraries are found by it, and its parameters.
 */
export async function startNss(owner: Owner = thisFile): Promise<Token> {
  const place = await tokenFolder(owner);
  const database = `sql:${join(place.folder, 'nss')}`;
  await mkdir(join(place.folder, 'nss'));
  const module = nss.env.NSS_MODULE;
  await place.run(nss.programs.certutil, ['-N', '-d', database, '-f', place.pinFile], {});
  return tokenIn(place, module, {
    LD_LIBRARY_PATH: dirname(module),
    NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'nss-parameters.ts'))}`,
    NSS_PARAMETERS: `configdir='${database}' certPrefix='' keyPrefix='' secmod='' dbTokenDescription='${tokenLabel}' flags=`,
  });
}
