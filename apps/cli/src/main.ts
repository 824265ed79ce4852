/** `rekey COMMAND …`: the process around {@link run}. */
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { exitCodes } from './exit-codes.ts';
import { openOutput } from './output.ts';
import { run } from './run.ts';

const stop = new AbortController();
// Once: a second one ends the process wherever it is.
process.once('SIGINT', () => stop.abort());
// Whoever reads us has read enough. As a program ends that SIGPIPE ends.
const brokenPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.brokenPipe);
};
process.stdout.on('error', brokenPipe);
process.stderr.on('error', brokenPipe);

const look = { term: process.env.TERM, noColor: process.env.NO_COLOR };
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: openOutput(process.stdout, look),
  err: openOutput(process.stderr, look),
  signal: stop.signal,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
});

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, the terminal gives it Ctrl-C as a key.
  terminal.on('SIGINT', () => stop.abort());
  try {
    return await terminal.question(question, { signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) throw error;
    return ''; // Ctrl-D: there is no answer
  } finally {
    terminal.close();
  }
}
