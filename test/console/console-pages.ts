import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { accessibilityProblems, checkWidth, watchedPage } from './browser.ts';

/** A person with a browser of their own at the console. */
export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the page complained about: errors, and what its policy refused. */
  readonly complaints: string[];
  open(path: string, heading: string | RegExp): Promise<void>;
  /** By a pasted token; then they are at that page. */
  signIn(token: string, path: string, heading: string | RegExp): Promise<void>;
}

const timeoutMs = 30_000;

export async function visitor(browser: Browser, apiUrl: string): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width: 1_280, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(timeoutMs);
  const { page, complaints } = await watchedPage(context);
  const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
  const open = async (path: string, name: string | RegExp): Promise<void> => {
    await page.goto(`${apiUrl}/console${path}`);
    await heading(name);
  };
  return {
    context,
    page,
    complaints,
    open,
    async signIn(token, path, name) {
      await open(path, 'Rekey console');
      await page.getByLabel('Access token').fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await heading(name);
    },
  };
}

/** Where pictures go, for people to look at. */
const pictures = process.env.CONSOLE_PICTURES;
/** Of all of them only these. */
const only = process.env.CONSOLE_PICTURES_OF?.split(',');

/** Narrow to wide, light and dark: nothing that axe finds, no sideways scrolling. */
export async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [320, 1_280, 2_560]) {
      await page.setViewportSize({ width, height: 900 });
      const what = `${name}-${width}-${colorScheme}`;
      await checkWidth(page, what);
      if (width !== 2_560) assert.deepEqual(await accessibilityProblems(page), [], what);
      if (pictures === undefined || !(only?.includes(what) ?? true)) continue;
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${what}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1_280, height: 900 });
}
