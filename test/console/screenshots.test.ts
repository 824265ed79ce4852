import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installation } from '../harness/installation.ts';
import { signHs256 } from '../harness/tokens.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { visitor } from './console-pages.ts';
import { answerFrom } from './pictured/answers.ts';
import { type Camera, cameraOf, standing, type Theme, type Width, widths } from './pictured/camera.ts';
import { difference } from './pictured/compare.ts';
import { type PicturedPage, pages } from './pictured/pages.ts';
import { decode, encode, type Pixels } from './pictured/png.ts';
import { now } from './pictured/told.ts';

/** What every page looked like when somebody last looked at it. */
const committed = fileURLToPath(new URL('screenshots/', import.meta.url));
/** Writes those anew that differ. */
const update = process.env.UPDATE_SCREENSHOTS === '1';
/** Where what differs is put, as it is now. */
const differing = process.env.SCREENSHOTS_DIFFERING ?? join(tmpdir(), 'rekey-screenshots');
/** A page that is just being painted is looked at again. */
const looks = 3;

/** Where nothing is compared, nothing runs over either: just above what makes a table cards, and up to a small screen. */
const between = [480, 784, 790, 900, 1_024];
const themes = ['light', 'dark'] as const;
const fileOf = ({ name }: PicturedPage, width: Width, theme: Theme): string =>
  `${name}-${width}-${theme}.png`;

test('every page looks as it did', { skip: skipWithoutBrowser }, async (t) => {
  const rekey = await installation({ workers: 0 });
  const url = rekey.apis[0]?.url ?? '';
  const browser = await openBrowser();
  const complaints: string[] = [];
  const photographed = async (token: string, heading: string) => {
    const person = await visitor(browser, url);
    await answerFrom(person.context, complaints);
    await person.page.clock.setFixedTime(now);
    await person.signIn(token, '', heading);
    return { ...person, camera: await cameraOf(person.page) };
  };
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const operator = { sub: 'otto', roles: ['security_operator'], tenantId: '*', exp };
  const reading = await photographed(rekey.token, 'Now');
  const steering = await photographed(signHs256(rekey.jwtSecret, operator), 'Steer');

  for (const pictured of pages)
    await t.test(pictured.name, async () => {
      const { page, camera, open } = pictured.steering ? steering : reading;
      await open(pictured.path, pictured.heading);
      await pictured.act?.(page);
      for (const text of pictured.shows) await page.getByText(text).first().waitFor();
      await page.mouse.move(0, 0);
      await camera.dress('');
      await standing(page);
      const problems: string[] = [];
      for (const theme of themes)
        for (const width of widths) problems.push(...(await look(camera, pictured, width, theme)));
      for (const width of between) {
        const beyond = await camera.beyond(width);
        if (beyond > 0) problems.push(`at ${width} px it is ${beyond} px too wide`);
      }
      assert.deepEqual(problems, []);
      if (!update) await checkMutants(camera, pictured);
    });

  await t.test('each picture is of a page, and no page asked for what is not pictured', async () => {
    const named = pages.flatMap((one) =>
      widths.flatMap((width) => themes.map((theme) => fileOf(one, width, theme))),
    );
    const others = (await readdir(committed)).filter((name) => !named.includes(name));
    if (update) for (const name of others) await rm(join(committed, name));
    else assert.deepEqual(others, []);
    assert.deepEqual([...complaints, ...reading.complaints, ...steering.complaints], []);
  });
});

/** What is wrong with it, in a sentence, or nothing. */
async function look(camera: Camera, pictured: PicturedPage, width: Width, theme: Theme): Promise<string[]> {
  const file = fileOf(pictured, width, theme);
  const was = await readFile(join(committed, file)).then(decode, () => null);
  let shot = await camera.take(width, theme);
  let different = was === null ? 'there is no picture of it' : difference(shot, was);
  for (let again = 1; again < looks && different !== null && was !== null && !update; again += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    shot = await camera.take(width, theme);
    different = difference(shot, was);
  }
  if (different === null) return [];
  const folder = update ? committed : differing;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), encode(shot));
  if (update) return [];
  return [`${file}: ${different}. As it is now: ${join(folder, file)}`];
}

/** That a fault of that page would be seen. */
async function checkMutants(camera: Camera, pictured: PicturedPage): Promise<void> {
  for (const { what, css, at } of pictured.mutants ?? []) {
    await camera.dress(css);
    for (const [width, theme] of at) {
      const file = fileOf(pictured, width, theme);
      const was: Pixels = decode(await readFile(join(committed, file)));
      assert.notEqual(difference(await camera.take(width, theme), was), null, `${file}: ${what}`);
    }
  }
  await camera.dress('');
}
