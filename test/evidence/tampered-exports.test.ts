import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type AuditReport, verifyAudit } from '../../packages/evidence/src/audit-verify.ts';
import { randomBy, syntheticAudit } from './synthetic-audit.ts';
import { eventOf, type Tampering, withEnd } from './tampering-tools.ts';
import { tamperings } from './tamperings.ts';

// `npm run audit:stress`: 100,000 events. Another seed is another audit, and other places in it.
const events = Number(process.env.EXPORT_EVENTS ?? 2_000);
const seed = Number(process.env.EXPORT_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Each in all kinds of exports, with an end that fits and without. */
const isThorough = process.env.EXPORT_FORMS === 'all';
const turns = Number(process.env.EXPORT_TURNS ?? 1);
const [audit, other] = [await syntheticAudit(seed, events), await syntheticAudit(seed + 1, 200)];
const random = randomBy(seed);
const below = (count: number): number => Math.floor(random() * count);

/** In pieces as they come from a file, which end where they like. */
async function* pieces(text: string): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += 65_535) {
    // Or nothing here would ever wait, and what is reported would not leave this process before it is ended.
    await turn();
    yield text.slice(at, at + 65_535);
  }
}
const check = (lines: readonly string[]): Promise<AuditReport> =>
  verifyAudit(pieces(lines.join('')), audit.trust);
/** What whoever reads the file takes for recorded, of what is under the checkpoint. */
const readIn = (lines: readonly string[], isCsv: boolean): string[] =>
  lines.flatMap((line) => {
    const read = line.includes('event') ? eventOf(line, isCsv) : null;
    return read !== null && read.index !== null && read.index < audit.covered
      ? [`${read.index} ${JSON.stringify(read.event)} ${read.hash}`]
      : [];
  });

/** Nothing is wrong with it, and something is claimed of it. */
const passes = ({ problems, covered }: AuditReport): boolean => problems.length === 0 && covered > 0;

const kinds = Object.keys(audit.forms);
const originals = new Map<string, readonly string[]>();
for (const form of kinds) {
  test(`${form}: what was not touched passes (seed ${seed})`, async () => {
    const lines = audit.forms[form] ?? [];
    const report = await check(lines);
    assert.deepEqual(report.problems, []);
    const read = readIn(lines, form.endsWith('CSV'));
    originals.set(form, read);
    assert.equal(report.covered, read.length);
    const newer = report.events - report.covered;
    assert.ok(form.startsWith('filtered') || newer > 0, 'and what is newer is counted');
  });
}

/** Begins with any of them; where not all are tried, the first that it can be done to is enough. */
async function tried(tampering: Tampering, isEnded: boolean): Promise<number> {
  let count = 0;
  const first = below(kinds.length);
  for (const form of [...kinds.slice(first), ...kinds.slice(0, first)]) {
    if (count > 0 && !isThorough) return count;
    const isCsv = form.endsWith('CSV');
    const lines = audit.forms[form] ?? [];
    const others = other.forms[form] ?? [];
    // It does not fit each line: an actor without a letter has no other case.
    let made: string[] | null = null;
    for (let n = 0; n < 30 && made === null; n += 1) made = tampering([...lines], { below, others, isCsv });
    if (made === null || made.join('') === lines.join('')) continue;
    count += 1;
    const tampered = isEnded ? withEnd(made, isCsv) : made;
    const report = await check(tampered);
    if (!passes(report)) continue;
    // What passes is what was recorded, up to the checkpoint: of a filtered export perhaps not all of it.
    const [original, read] = [originals.get(form) ?? [], readIn(tampered, isCsv)];
    const where = `${form}, seed ${seed}`;
    if (form.startsWith('filtered') || report.scope === 'filtered') {
      const known = new Set(original);
      assert.ok(read.every((line) => known.has(line)) && new Set(read).size === read.length, where);
    } else assert.deepEqual([report.covered, read], [original.length, original], where);
  }
  return count;
}

for (const [what, tampering] of Object.entries(tamperings)) {
  test(`${what}: is found, or concerns nothing that the checkpoint covers`, async () => {
    for (let n = 0; n < turns; n += 1) {
      for (const isEnded of isThorough ? [false, true] : [below(2) === 1])
        assert.ok((await tried(tampering, isEnded)) > 0, 'there is an export to which it can be done');
    }
  });
}
