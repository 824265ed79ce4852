import { openOutput } from '../../apps/cli/src/output.ts';
import { run } from '../../apps/cli/src/run.ts';
import type { Said } from './call.ts';

/** `rekey …` in this process, where starting one for each of many calls would take most of the time. */
export function callHere(
  env: Readonly<Record<string, string | undefined>>,
  ...args: string[]
): Promise<Said> {
  return answering(null, env, ...args);
}

/** The same at a terminal, where somebody types that to whatever is asked. */
export async function answering(
  typed: string | null,
  env: Readonly<Record<string, string | undefined>>,
  ...args: string[]
): Promise<Said> {
  const said = { out: '', err: '' };
  const into = (name: 'out' | 'err') =>
    openOutput(
      {
        write(text) {
          said[name] += text;
        },
      },
      { term: 'dumb' },
    );
  const world = { env, out: into('out'), err: into('err'), signal: new AbortController().signal };
  return { code: await run(args, { ...world, ask: typed === null ? null : async () => typed }), ...said };
}
