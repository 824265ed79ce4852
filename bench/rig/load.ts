import { fileURLToPath } from 'node:url';
import { startProcess } from '@rekey/stack';

export interface Load {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

const entry = fileURLToPath(new URL('../programs/load.ts', import.meta.url));
const warmUpMs = 700;

/** Loads a URL, or paths of it in turn, from a process of its own. Throws when anything but 200 was answered. */
export async function load(options: {
  readonly url: string;
  readonly paths?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly ms: number;
}): Promise<Load> {
  const generator = startProcess({
    name: 'load',
    entry,
    env: {
      LOAD_URL: options.url,
      LOAD_PATHS: options.paths?.join(' ') ?? new URL(options.url).pathname,
      LOAD_HEADERS: JSON.stringify(options.headers),
      LOAD_CONNECTIONS: String(options.connections),
      LOAD_MS: String(options.ms),
      LOAD_WARM_UP_MS: String(warmUpMs),
    },
  });
  const { code } = await generator.exited;
  if (code !== 0) throw new Error(`the load generator failed: ${generator.logs()}`);
  const result = JSON.parse(generator.logs()) as Load; // the parsed edge: programs/load.ts
  if (result.failures > 0) throw new Error(`${result.failures} answers from ${options.url} were not 200`);
  return result;
}
