import type { CDPSession, Page } from 'playwright-core';
import { until } from '../../harness/wait.ts';
import { decode, type Pixels } from './png.ts';

/** Device pixels for a pixel of the page: as few as show whatever moves by a few. */
const scales = { 320: 0.6, 1280: 0.5, 2560: 0.375 } as const;
export type Width = keyof typeof scales;
export const widths = [320, 1_280, 2_560] as const;
export type Theme = 'light' | 'dark';

/** Room for a dialog that is longer than any window. */
const dialogRoom = 4_000;
/** What blinks is not shown. */
const still = '* { caret-color: transparent !important; }';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Camera {
  /** The page from its top to its end as it is now, or its open dialog alone. */
  take(width: Width, theme: Theme): Promise<Pixels>;
  /** By how much it is wider than a window of that width. */
  beyond(width: number): Promise<number>;
  /** Puts these rules on top of the page's own; none: takes them away. */
  dress(css: string): Promise<void>;
}

export async function cameraOf(page: Page): Promise<Camera> {
  const devtools = await page.context().newCDPSession(page);
  const dress = (css: string): Promise<void> =>
    page.evaluate(`document.adoptedStyleSheets = ${JSON.stringify([still, css])}.map((css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      return sheet;
    })`);
  return {
    dress,
    async beyond(width) {
      await resize(devtools, width, 600, 1);
      return page.evaluate<number>(`Math.max(...[document.documentElement, ...document.querySelectorAll('dialog')]
        .map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth))`);
    },
    async take(width, theme) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      const dialog = await page.locator('dialog[open]').count();
      await resize(devtools, width, dialog > 0 ? dialogRoom : 600, scales[width]);
      const box = await page.evaluate<Box>(
        dialog > 0
          ? `(({ x, y, width, height }) => ({ x, y, width, height }))(document.querySelector('dialog').getBoundingClientRect())`
          : `({ x: 0, y: 0, width: ${width}, height: document.documentElement.scrollHeight })`,
      );
      if (dialog === 0) await resize(devtools, width, box.height, scales[width]);
      await painted(page);
      const { data } = await devtools.send('Page.captureScreenshot', {
        format: 'png',
        optimizeForSpeed: true,
        ...(dialog > 0 ? { clip: { ...box, scale: 1 } } : {}),
      });
      return decode(Buffer.from(data, 'base64'));
    },
  };
}

async function resize(devtools: CDPSession, width: number, height: number, scale: number): Promise<void> {
  await devtools.send('Emulation.setDeviceMetricsOverride', {
    width,
    height: Math.ceil(height),
    deviceScaleFactor: scale,
    mobile: false,
  });
}

const painted = (page: Page): Promise<void> =>
  page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))`);

/** Until a page stands still: what it says and how long it is, three times the same. */
export async function standing(page: Page): Promise<void> {
  const look = (): Promise<string> =>
    page.evaluate(`document.documentElement.scrollHeight + document.body.innerText`);
  let [was, times] = [await look(), 1];
  await until(
    async () => {
      const is = await look();
      times = is === was ? times + 1 : 1;
      was = is;
      return times >= 3;
    },
    { what: 'the page stands still', everyMs: 40 },
  );
}
