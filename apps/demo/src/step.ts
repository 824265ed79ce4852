import { barLine } from './bars.ts';
import { count, percent, took } from './format.ts';
import type { Screen } from './screen.ts';

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;

/** Work that ends sooner needs no bar; without a terminal this is also the least time between two lines. */
const progressAfterMs = 1_000;
/** Without a terminal: the least change worth a line. */
const noticeable = 0.05;

export interface Step<T> {
  /** While it lasts: `Seeding the demo tenant`. */
  readonly doing: string;
  readonly work: (onProgress: (done: number, total: number) => void) => Promise<T>;
  /** The line that stays, once it is done: what there is now, and a remark. Absent: none stays. */
  readonly done?: (result: T) => readonly [text: string, remark: string];
}

/** Shows a piece of work while it lasts, and leaves a line with what came of it and how long it took. */
export async function step<T>(screen: Screen, { doing, work, done }: Step<T>): Promise<T> {
  const { paint } = screen;
  const began = performance.now();
  const progress = { done: 0, total: 0, printedAt: began, printed: 0 };

  const draw = (): void => {
    const elapsedMs = performance.now() - began;
    const turn = spinner[Math.floor(elapsedMs / frameMs) % spinner.length] ?? '';
    const line = `  ${paint.accent(turn)} ${doing}`;
    const withBar = progress.total > 0 && elapsedMs >= progressAfterMs;
    screen.draw(withBar ? [line, progressLine(screen, progress)] : [line]);
  };
  const timer = setInterval(draw, frameMs);
  if (screen.live) draw();
  try {
    const result = await work((doneNow, total) => {
      Object.assign(progress, { done: doneNow, total });
      if (!screen.live) printProgress(screen, doing, progress);
    });
    screen.draw([]);
    if (done !== undefined) screen.print(doneLine(screen, done(result), performance.now() - began));
    return result;
  } finally {
    clearInterval(timer);
    screen.draw([]);
  }
}

/** `  ✔ Postgres and Redis  embedded, for this run only                 1.2 s`, in columns that 80 have room for. */
function doneLine(
  { paint }: Pick<Screen, 'paint'>,
  [text, remark]: readonly [string, string],
  ms: number,
): string {
  const time = paint.dim(took(ms).padStart(8));
  return `  ${paint.good('✔')} ${text.padEnd(20)} ${remark.padEnd(45)} ${time}`;
}

interface Progress {
  readonly done: number;
  readonly total: number;
}

function progressLine({ columns, paint }: Screen, { done, total }: Progress): string {
  const note = `${count(done)} of ${count(total)}`;
  const noteWidth = 2 * count(total).length + 4;
  return barLine({ label: '', fraction: done / total, note }, { columns, noteWidth, paint });
}

function printProgress(
  screen: Screen,
  doing: string,
  progress: Progress & { printedAt: number; printed: number },
): void {
  const now = performance.now();
  const fraction = progress.done / progress.total;
  if (now - progress.printedAt < progressAfterMs || fraction - progress.printed < noticeable) return;
  Object.assign(progress, { printedAt: now, printed: fraction });
  screen.print(`  ${doing}: ${percent(fraction)}, ${count(progress.done)} of ${count(progress.total)}`);
}
