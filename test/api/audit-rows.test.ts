import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type AuditEvent, canonicalEvent, eventHash } from '@rekey/evidence';
import { auditDesk, covered } from './audit-desk.ts';

// Somebody has the file of an export in hand, and what the auditor holds is a checkpoint. With AUDIT_EVENTS=100000 as many events.

const { at, exports, fetchInto, outside, tenant, verify } = await auditDesk();

interface Line {
  readonly event: AuditEvent;
  readonly hash: string;
  readonly index: number | null;
  /** Of one chain. */
  readonly proof?: readonly string[] | null;
}
const readLines = async (query: string): Promise<{ head: string; events: Line[]; rest: string[] }> => {
  const all = (await readFile(await fetchInto(query), 'utf8')).trimEnd().split('\n');
  const parsed = all.map((line) => JSON.parse(line));
  return {
    head: all[0] ?? '',
    events: parsed.filter(({ event }) => event !== undefined),
    rest: all.slice(1).filter((_, n) => parsed[n + 1].event === undefined),
  };
};
const textOf = ({ event, hash, index, proof }: Line): string =>
  `{"event":${canonicalEvent(event)},"hash":"${hash}","index":${index}${
    proof === undefined ? '' : `,"proof":${JSON.stringify(proof)}`
  }}`;
const whole = await readLines(exports.everything);
const chain = await readLines(exports.chain);
const written = async (
  { head, rest }: { head: string; rest: string[] },
  events: readonly Line[],
): Promise<string> => {
  // As many as there are then: who changes the file changes that too.
  const end = rest.map((line) =>
    line.startsWith('{"end"') ? `{"end":true,"events":${events.length}}` : line,
  );
  await writeFile(at('tampered'), [head, ...events.map(textOf), ...end, ''].join('\n'));
  return at('tampered');
};

const changed = (line: Line, members: Partial<AuditEvent>): Line => ({
  ...line,
  event: { ...line.event, ...members },
});
const flipped = (hash: string): string => (hash.startsWith('0') ? '1' : '0') + hash.slice(1);
const another = '00000000-0000-4000-8000-000000000000';
/** What becomes of one row, and of the row behind it where that is part of it. */
const edits: Readonly<Record<string, (line: Line, next: Line) => readonly Line[]>> = {
  'another time': (line, next) => [changed(line, { at: line.event.at.replace('20', '19') }), next],
  'another kind': (line, next) => [changed(line, { kind: `${line.event.kind}.` }), next],
  'another actor': (line, next) => [
    changed(line, { actor: { ...(line.event.actor as object), id: 'eve' } }),
    next,
  ],
  'another database role': (line, next) => [changed(line, { databaseRole: 'eve' }), next],
  'another rotation': (line, next) => [changed(line, { rotationId: another }), next],
  'another payload': (line, next) => [changed(line, { payload: { n: -1 } }), next],
  'another predecessor': (line, next) => [changed(line, { previous: flipped(line.event.previous) }), next],
  'another number': (line, next) => [changed(line, { sequence: line.event.sequence + 1_000_000 }), next],
  'another version': (line, next) => [changed(line, { version: 2 }), next],
  'another hash': (line, next) => [{ ...line, hash: flipped(line.hash) }, next],
  'another place in the log': (line, next) => [{ ...line, index: Number(line.index) + 1 }, next],
  'another payload, with its own hash': (line, next) => {
    const forged = changed(line, { payload: { n: -1 } });
    return [{ ...forged, hash: eventHash(forged.event) }, next];
  },
  gone: (_line, next) => [next],
  'there twice': (line, next) => [line, line, next],
  'a forged one behind it': (line, next) => {
    const forged = changed(line, {
      sequence: line.event.sequence + 1,
      previous: line.hash,
      kind: 'test.forged',
    });
    return [line, { ...forged, hash: eventHash(forged.event) }, next];
  },
  'swapped with the next': (line, next) => [next, line],
};

/** So many at once that all their problems are named. */
const atOnce = 20;
/** Far enough apart that each is found for itself; another start for each kind of edit. */
const placesIn = (events: readonly Line[], turn: number): number[] => {
  const step = Math.floor(events.length / atOnce);
  return Array.from({ length: atOnce }, (_, n) => n * step + ((turn * 37) % (step - 4)) + 1).filter(
    // Both rows are of one chain, and in the log.
    (n) => events[n]?.event.chain === events[n + 1]?.event.chain && events[n + 1]?.index !== null,
  );
};

for (const [turn, [what, edit]] of Object.entries(edits).entries()) {
  test(`in the file of an export each row is found that is ${what}, by its place`, async () => {
    for (const [scope, lines] of Object.entries({ everything: whole, chain })) {
      const events = [...lines.events];
      const places = placesIn(lines.events, turn);
      assert.ok(places.length > atOnce / 2);
      for (const n of places.toReversed()) {
        const [line, next] = [lines.events[n], lines.events[n + 1]];
        assert.ok(line && next);
        events.splice(n, 2, ...edit(line, next));
      }
      const { code, text } = await verify(await written(lines, events), ...outside);
      assert.equal(code, 1, text);
      for (const n of places) {
        const { event } = lines.events[n] as Line;
        const [sequence, index] = [event.sequence, Number(lines.events[n]?.index)];
        const near = [
          ...[0, 1, 2, 1_000_000].map((more) => `at ${event.chain}/${sequence + more}:`),
          ...[0, 1].map((more) => `at ${index + more}:`),
        ];
        assert.ok(
          near.some((place) => text.includes(place)),
          `${scope}: ${event.chain}/${sequence}\n${text}`,
        );
      }
    }
  });
}

/** As somebody does who wants it to fit together: numbers, predecessors, hashes and places of that chain anew. */
function madeAnew(events: readonly Line[]): Line[] {
  const last = new Map<string, { sequence: number; hash: string }>();
  return events.map((line) => {
    const { chain: of } = line.event;
    if (of !== tenant) return line;
    const { sequence, hash: previous } = last.get(of) ?? { sequence: 0, hash: '0'.repeat(64) };
    const event = { ...line.event, sequence: sequence + 1, previous };
    const hash = eventHash(event);
    last.set(of, { sequence: event.sequence, hash });
    return { ...line, event, hash };
  });
}

const first = whole.events.findIndex(({ event }) => event.chain === tenant);
const histories: Readonly<Record<string, (events: Line[], n: number) => unknown>> = {
  'a changed row': (events, n) => events.splice(n, 1, changed(events[n] as Line, { payload: { n: -1 } })),
  'a deleted row': (events, n) => events.splice(n, 1),
  'an inserted row': (events, n) => events.splice(n, 0, changed(events[n] as Line, { kind: 'test.forged' })),
  'two rows swapped': (events, n) => events.splice(n, 2, events[n + 1] as Line, events[n] as Line),
};

for (const [what, tamper] of Object.entries(histories)) {
  test(`${what}, with the whole chain made anew, fits together, and not with the checkpoint`, async () => {
    // The first, the last that is covered, and some between.
    for (const place of [1, 255, 256, Math.floor(covered / 2), covered - 2]) {
      for (const [lines, start] of [
        [whole, first],
        [chain, 0],
      ] as const) {
        const events = [...lines.events];
        tamper(events, start + place);
        const file = await written(lines, madeAnew(events));
        if (lines === chain) assert.match((await verify(file)).text, /^whole /);
        const { code, text } = await verify(file, ...outside);
        assert.equal(code, 1, `${place}: ${text}`);
      }
    }
  });
}

test('a tail that is cut within what the checkpoint covers is found, and one behind it is what nobody can know', async () => {
  const length = chain.events.length;
  assert.ok(length > covered);
  for (const left of [1, 2, Math.floor(covered / 2), covered - 2, covered - 1]) {
    const { code, text } = await verify(await written(chain, chain.events.slice(0, left)), ...outside);
    assert.deepEqual([code, /TAIL/.test(text)], [1, true], text);
    const events = whole.events.filter(({ event }) => event.chain !== tenant || event.sequence <= left);
    const all = await verify(await written(whole, events), ...outside);
    assert.deepEqual([all.code, /LOG_INCOMPLETE/.test(all.text)], [1, true], all.text);
  }
  const { code, text } = await verify(await written(chain, chain.events.slice(0, covered)), ...outside);
  assert.equal(code, 0, text);
  assert.match(text, /newer +0, covered by nothing/);
  const untouched = await verify(await written(chain, chain.events), ...outside);
  assert.match(untouched.text, new RegExp(`newer +${length - covered}, covered by nothing`));
});
