import { once } from 'node:events';
import { createServer } from 'node:net';
import { DemoError } from './demo-error.ts';

const portDefault = 3000;

export interface ChosenPort {
  /** 0: any that is free. */
  readonly port: number;
  /** Why it is not the usual one, for the person who would look there. */
  readonly remark: string | null;
}

/**
 * The port that was asked for; without a wish 3000, or any other when that one is taken.
 *
 * @throws DemoError `PORT_TAKEN` when the one asked for is taken or not to be had
 */
export async function choosePort(host: string, wanted: number | undefined): Promise<ChosenPort> {
  const trouble = await troubleWith(host, wanted ?? portDefault);
  if (trouble === null) return { port: wanted ?? portDefault, remark: null };
  if (wanted === undefined && trouble === 'EADDRINUSE') {
    return { port: 0, remark: `Port ${portDefault} is taken, so the API listens on another one.` };
  }
  if (trouble === 'EADDRINUSE') throw new DemoError('PORT_TAKEN', `PORT: ${wanted} is taken on ${host}.`);
  throw new DemoError(
    'PORT_TAKEN',
    `HOST, PORT: cannot listen on ${host}:${wanted ?? portDefault} (${trouble}).`,
  );
}

/** Tries it: the code of what is wrong, or null. */
async function troubleWith(host: string, port: number): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown trouble';
  }
}
