import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { liveApi } from '../api/live-api.ts';
import { until } from '../harness/wait.ts';
import {
  accessibilityProblems,
  checkWidth,
  openBrowser,
  skipWithoutBrowser,
  watchedPage,
} from './browser.ts';

/** Where pictures of it go, for people to look at. */
const pictures = process.env.CONSOLE_PICTURES;

test('/docs is read in a real browser, narrow and wide, light and dark', {
  skip: skipWithoutBrowser,
}, async () => {
  const api = await liveApi();
  const context = await (await openBrowser()).newContext();
  const { page, complaints } = await watchedPage(context);
  const problems: string[] = [];
  if (pictures !== undefined) await mkdir(pictures, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [width, height] of [
      [320, 700],
      [1_280, 900],
    ] as const) {
      const what = `docs-${width}-${colorScheme}`;
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(`${api.url}/docs`);
      await checkWidth(page, what);
      problems.push(...(await accessibilityProblems(page)).map((one) => `${what}: ${one}`));
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${what}.png`) });
      // By the keyboard past the list of operations, and by a link of its own to one.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.waitForURL(({ hash }) => hash === '#content');
      await page.goto(`${api.url}/docs#rotateDek`);
      const top = (): Promise<number> =>
        page.evaluate<number>(`document.getElementById('rotateDek').getBoundingClientRect().top`);
      // The browser scrolls there once it has laid out what is above.
      await until(async () => (await top()) > -1 && (await top()) < height, { what });
    }
  }
  assert.deepEqual(problems, []);
  assert.deepEqual(complaints, [], 'nothing that its policy refuses');
});
