import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Owner, thisFile } from '../harness/cleanup.ts';
import { tool } from '../harness/tool.ts';

const unpacked = await tool('chromium');
/** For the options of a test that needs a browser. */
export const skipWithoutBrowser: false | string = unpacked.skip;

export async function openBrowser(owner: Owner = thisFile): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: unpacked.programs.chromium,
    env: { ...process.env, FONTCONFIG_FILE: await ownFonts(owner) },
    // Without the sandbox: root may not have one, and nothing but our own pages is opened.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
  owner.after(() => browser.close());
  return browser;
}

/** Letters are those that come with the browser, whatever else the machine has: what is pictured elsewhere looks the same. */
async function ownFonts(owner: Owner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-fonts-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'fonts.conf');
  const fonts = join(dirname(unpacked.programs.chromium), '../root/usr/share/fonts');
  const alias = (family: string, prefer: string): string =>
    `<alias><family>${family}</family><prefer><family>${prefer}</family></prefer></alias>`;
  await writeFile(
    file,
    `<fontconfig><dir>${fonts}</dir><cachedir>${folder}</cachedir>${alias('sans-serif', 'DejaVu Sans')}${alias('system-ui', 'DejaVu Sans')}${alias('monospace', 'DejaVu Sans Mono')}</fontconfig>`,
  );
  return file;
}

/** A page that remembers whatever it complained about: an error, or something that its policy refused. */
export async function watchedPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // What the API refuses is told by the page; the browser's own line about it is no complaint of ours.
    if (message.type() === 'error' && !/^Failed to load resource/.test(text)) complaints.push(text);
  });
  await page.exposeFunction('refusedByPolicy', (what: string) => void complaints.push(`policy: ${what}`));
  await page.addInitScript(
    `document.addEventListener('securitypolicyviolation', (event) => refusedByPolicy(event.violatedDirective + ' ' + event.blockedURI))`,
  );
  return { page, complaints };
}

/** What axe finds wrong with a page as it is now, a line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    interface Found {
      readonly id: string;
      readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary: string }>;
    }
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Found[] }> } };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 300)}`),
    );
  });
}

/** No page is ever wider than the window that shows it, and what is in a dialog not than the dialog. */
export async function checkWidth(page: Page, what: string): Promise<void> {
  const measure = `[document.documentElement, ...document.querySelectorAll('dialog[open]')]
    .map((one) => [one.tagName, one.scrollWidth, one.clientWidth])`;
  for (const [name, needed, given] of await page.evaluate<[string, number, number][]>(measure))
    assert.ok(needed <= given, `${what}, ${name}: ${needed} px in ${given}`);
}
