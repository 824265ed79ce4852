import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Owner, thisFile } from './cleanup.ts';
import { skipWithoutToken, type Token, tokenFolder, tokenIn } from './token.ts';
import { tokenLabel } from './token-label.ts';
import { tool } from './tool.ts';

const softhsm = await tool('softhsm2');

/** For the options of a test that asks SoftHSM. */
export const skipWithoutSoftHsm = skipWithoutToken(softhsm);

export interface SoftHsm extends Token {
  /** Where the tokens lie. */
  readonly tokens: string;
}

/** A token with SoftHSM's module. */
export async function startSoftHsm(owner: Owner = thisFile): Promise<SoftHsm> {
  const place = await tokenFolder(owner);
  const { folder, pin, run } = place;
  const tokens = join(folder, 'tokens');
  await mkdir(tokens);
  const env = { SOFTHSM2_CONF: join(folder, 'softhsm2.conf') };
  await writeFile(env.SOFTHSM2_CONF, `directories.tokendir = ${tokens}\nobjectstore.backend = file\n`);
  const module = softhsm.env.SOFTHSM2_MODULE;
  const what = ['--module', module, '--init-token', '--free', '--label', tokenLabel];
  await run(softhsm.programs['softhsm2-util'], [...what, '--so-pin', pin, '--pin', pin], env);
  return { ...tokenIn(place, module, env), tokens };
}
